"""Whether all that is to be stepped again has come: a state without some of it is a wrong one.

The input's own offsets do not tell what is missing from what never was there. The journal does, of
the records that it names.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from workers.batching.records import RecordBatch
from workers.errors import UnrepeatableError
from workers.partition import Partition

__all__ = ["VanishedRecordError", "refuse_vanished", "vanished_rest"]


_NONE: Final = np.zeros(0, dtype=np.int64)


class VanishedRecordError(UnrepeatableError):
    """A record was answered, and the topic does not hold it any more."""

    def __init__(self, partition: int, offset: int) -> None:
        super().__init__(
            "the record was answered, and the topic does not hold it any more",
            "The topic is compacted, lost records with a broker, or was created anew. Set its "
            "cleanup.policy to delete, and restore it or start a new group with a new journal "
            'topic; to go on with empty state, set missing_history = "cold_start"',
            partition=partition,
            offset=offset,
        )


def refuse_vanished(records: RecordBatch, partitions: Mapping[int, Partition]) -> None:
    """Look whether records to replay are missing before or among these.

    Args:
        records: a micro-batch, the next records of their partitions.
        partitions: the active partitions, by number.

    Raises:
        VanishedRecordError: one is.
    """
    for number in records.partitions():
        owner = partitions[number]
        if owner.next_offset > owner.emitted_to:
            continue
        offsets = records.offset[records.partition == number]
        due = range(owner.next_offset, min(int(offsets[-1]), owner.emitted_to) + 1)
        vanished = owner.log.first_vanished(due, offsets)
        if vanished is not None:
            raise VanishedRecordError(number, vanished)


def vanished_rest(partition: Partition) -> int | None:
    """Of what a partition has yet to replay the first record that is gone, if none of it comes."""
    due = range(partition.next_offset, partition.emitted_to + 1)
    return partition.log.first_vanished(due, _NONE)
