"""Merged by event time: the order is a function of the records, not of the pace of fetching."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.replay.chunk import Refused, TickChunk
from workers.replay.topics.merge import EventTimeMerge

_Record = tuple[int, bool]


def chunk(partition: int, first: int, records: Sequence[_Record]) -> TickChunk:
    count = len(records)
    return TickChunk(
        partition=np.full(count, partition),
        offset=np.arange(first, first + count),
        keys=[b"A"] * count,
        accepted=np.array([sound for _, sound in records], dtype=bool),
        price=np.ones(count),
        target=np.ones(count),
        timestamp_ns=np.array([stamp for stamp, _ in records], dtype=np.int64),
        refused=tuple(
            Refused(partition, first + i, "InvalidPrice", "")
            for i, (_, sound) in enumerate(records)
            if not sound
        ),
    )


_PARTS = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=12), min_size=1, max_size=3
)


def merged(parts: list[list[_Record]], cuts: list[int]) -> list[tuple[int, int]]:
    """The order in which records come, fetched in pieces; refusals come in the same order."""
    merge, done = EventTimeMerge(range(len(parts))), [0] * len(parts)
    order: list[tuple[int, int]] = []

    def take() -> None:
        ready = merge.ready()
        if ready is not None:
            places = list(zip(ready.partition.tolist(), ready.offset.tolist(), strict=True))
            order.extend(places)
            refused = [(one.partition, one.offset) for one in ready.refused]
            assert refused == [
                p for p, sound in zip(places, ready.accepted, strict=True) if not sound
            ]

    for turn, size in enumerate(cuts):
        number = turn % len(parts)
        merge.add(number, chunk(number, done[number], parts[number][done[number] :][:size]))
        done[number] = min(done[number] + size, len(parts[number]))
        take()
    for number, part in enumerate(parts):
        merge.add(number, chunk(number, done[number], part[done[number] :]))
        merge.finish(number)
        take()
    return order


@given(_PARTS, st.lists(st.integers(0, 4), max_size=15))
def test_the_order_is_the_one_of_time_and_of_each_partition(
    parts: list[list[_Record]], cuts: list[int]
) -> None:
    expected = []
    for number, part in enumerate(parts):
        reached = -1
        for offset, (stamp, sound) in enumerate(part):
            reached = max(reached, stamp) if sound else reached
            expected.append((reached, number, offset))
    assert merged(parts, cuts) == [(number, offset) for _, number, offset in sorted(expected)]
