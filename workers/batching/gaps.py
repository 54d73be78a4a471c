"""Missing input offsets: are they transaction markers, or records the client never handed over?

A transaction's marker takes one offset, an aborted transaction any number of them, so a gap
says nothing by itself. But one moved fetch position in the client loses records for good. So
whatever lies behind a gap of more than one marker is dropped and fetched again from the first
missing offset: a gap that the broker shows twice is real. Where the journal names a record, as in a
replay, a gap of one is asked about as well.
"""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from workers.batching.records import RecordBatch
from workers.partition import Partition

__all__ = ["before_gaps"]

_MARKER = 1


def before_gaps(
    records: RecordBatch,
    partitions: Mapping[int, Partition],
    ask_again: Callable[[Partition, int], None],
) -> RecordBatch:
    """Hold back what lies behind unconfirmed gaps.

    Args:
        records: records that are due; offsets ascend within a partition.
        partitions: the partitions that take input, by number.
        ask_again: called with a partition and the first missing offset, once for each gap: fetch
            from there.

    Returns:
        The records that may be stepped.
    """
    kept = np.ones(len(records), dtype=bool)
    for number in records.partitions():
        partition = partitions[number]
        here = np.flatnonzero(records.partition == number)
        found = _unconfirmed(records.offset[here], partition)
        if found is not None:
            position, first_missing = found
            kept[here[position:]] = False
            partition.asked_again_at = first_missing
            ask_again(partition, first_missing)
    return records if kept.all() else records.only(kept)


def _unconfirmed(
    offsets: Int64[ndarray, " records"], partition: Partition
) -> tuple[int, int] | None:
    """Position of the first record behind an unconfirmed gap, and the gap's first offset."""
    expected = np.concatenate([[partition.next_offset], offsets[:-1] + 1])
    missing = offsets - expected
    suspicious = missing > _MARKER
    if partition.next_offset <= partition.emitted_to:
        lone = missing == _MARKER
        suspicious[lone] = partition.log.names(expected[lone])
    suspicious &= expected != partition.asked_again_at
    if not suspicious.any():
        return None
    position = int(suspicious.argmax())
    return position, int(expected[position])
