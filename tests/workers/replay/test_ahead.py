"""Reading ahead: the same batches, what goes wrong where it is asked for, and a source closed."""

import threading
from collections.abc import Generator

import pytest

from tests.workers.replay.test_gather import chunk_of
from workers.replay.ahead import read_ahead
from workers.replay.chunk import TickChunk
from workers.replay.errors import BadTicksError

_LONG_S = 30.0


def test_the_next_batch_is_read_while_one_is_at_work() -> None:
    read = threading.Semaphore(0)

    def chunks() -> Generator[TickChunk]:
        for number in range(5):
            yield chunk_of(number, 1)
            read.release()

    with read_ahead(chunks(), lambda: 2) as batches:
        first = next(batches)
        # Two chunks are one batch; that the fourth was asked for shows that the second one is read.
        for _ in range(3):
            assert read.acquire(timeout=_LONG_S)
        rest = list(batches)
    assert [batch.offset.tolist() for batch in (first, *rest)] == [[0, 1], [2, 3], [4]]


def test_what_goes_wrong_comes_after_the_batches_before_it() -> None:
    def chunks() -> Generator[TickChunk]:
        yield chunk_of(0, 1)
        raise BadTicksError("row 1")

    with read_ahead(chunks(), lambda: 1) as batches:
        assert next(batches).offset.tolist() == [0]
        with pytest.raises(BadTicksError, match="row 1"):
            next(batches)


def test_a_source_that_waits_is_closed_when_the_run_is_interrupted() -> None:
    closed = threading.Event()

    def chunks() -> Generator[TickChunk]:
        try:
            yield chunk_of(0, 1)
            while True:
                yield TickChunk.none()
        finally:
            closed.set()

    def interrupted() -> None:
        with read_ahead(chunks(), lambda: 1) as batches:
            next(batches)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert closed.is_set()
