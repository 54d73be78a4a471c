"""Chunks joined to batches: nothing is lost, nothing moves, and a batch is no larger than asked."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.batching.keys import CodedKeys
from workers.replay.chunk import Refused, TickChunk
from workers.replay.gather import batch_rows, gathered

_SIZES = st.lists(st.integers(1, 9), max_size=12)


def _chunks(sizes: Sequence[int], *, coded: bool) -> list[TickChunk]:
    """Of records 0, 1, ... of which every third is refused."""
    ends = np.cumsum(sizes, dtype=np.int64)
    return [
        chunk_of(int(end) - size, size, coded=coded)
        for size, end in zip(sizes, ends.tolist(), strict=True)
    ]


def chunk_of(first: int, count: int, *, coded: bool = False) -> TickChunk:
    offset = np.arange(first, first + count)
    keys: list[bytes | None] = [b"%d" % (number % 5) for number in offset.tolist()]
    sound = offset % 3 != 0
    return TickChunk(
        partition=np.zeros(count, dtype=np.int64),
        offset=offset,
        keys=CodedKeys.of(keys) if coded else keys,
        accepted=sound,
        price=offset * 1.5,
        target=offset * 2.5,
        timestamp_ns=offset * 1_000,
        refused=tuple(Refused(0, at, "InvalidPrice", "") for at in offset[~sound].tolist()),
    )


@given(_SIZES, st.integers(1, 20), st.booleans())
def test_records_stay_in_order_and_batches_are_filled(
    sizes: list[int], wanted: int, coded: bool
) -> None:
    chunks, count = _chunks(sizes, coded=coded), sum(sizes)
    batches = list(gathered(chunks, lambda: wanted))
    # All columns as of one chunk that was never divided.
    [whole] = [TickChunk.join(batches)] if batches else [chunk_of(0, 0, coded=coded)]
    expected = chunk_of(0, count, coded=coded)
    assert list(whole.keys) == list(expected.keys)
    assert isinstance(whole.keys, CodedKeys) == coded
    assert whole.refused == expected.refused
    for name in ("partition", "offset", "accepted", "price", "target", "timestamp_ns"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(expected, name))
    # Each but the last is as large as asked, and was not before its last chunk.
    ends = set(np.cumsum(sizes).tolist())
    for batch in batches[:-1]:
        last = int(batch.offset[-1]) + 1
        before = max((end for end in ends if end < last), default=0)
        assert last in ends
        assert len(batch) >= wanted > before - int(batch.offset[0])


def test_the_size_is_asked_anew_as_chunks_come() -> None:
    sizes = iter([2, 2, 4, 4, 4, 4])
    batches = gathered(_chunks([1] * 8, coded=True), lambda: next(sizes, 4))
    assert [len(batch) for batch in batches] == [2, 4, 2]


def test_more_assets_get_larger_batches_within_bounds() -> None:
    sizes = [batch_rows(assets) for assets in (0, 1, 1_024, 1_500, 2_048, 100_000)]
    assert sizes == [65_536, 65_536, 65_536, 96_000, 131_072, 131_072]
