"""Batches read while the one before is at work."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event

from workers.replay.beside import await_end
from workers.replay.chunk import TickChunk
from workers.replay.gather import gathered

__all__ = ["read_ahead"]


@contextmanager
def read_ahead(
    chunks: Generator[TickChunk], wanted: Callable[[], int]
) -> Iterator[Iterator[TickChunk]]:
    """A context that gives `gathered` batches, of which one is read ahead on a thread.

    At its end the source is closed, at the latest when its next chunk has come: what was read ahead
    is let go. What goes wrong in reading is raised where that batch is asked for.

    Args:
        chunks: in order; where a source waits for the next one, it gives empty ones meanwhile.
        wanted: how many records a batch has; called on the thread.
    """
    ended = Event()

    def flowing() -> Iterator[TickChunk]:
        for chunk in chunks:
            if ended.is_set():
                return
            yield chunk

    with closing(chunks):
        thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        try:
            yield _one_ahead(gathered(flowing(), wanted), thread)
        finally:
            ended.set()
            await_end(thread)


def _one_ahead(batches: Iterator[TickChunk], thread: Executor) -> Iterator[TickChunk]:
    coming = thread.submit(next, batches, None)
    while (batch := coming.result()) is not None:
        coming = thread.submit(next, batches, None)
        yield batch
