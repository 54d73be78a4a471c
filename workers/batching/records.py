"""Kafka messages to parallel columns: the only place that looks into a `Message`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Message
from jaxtyping import Bool, Int64
from numpy import ndarray

__all__ = ["RecordBatch", "batch_records", "present"]


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Input records as columns, in the order of arrival (offset order within a partition).

    Attributes:
        messages: the messages, for what only a dead letter needs (headers); empty in a replay.
        partition: partition of each.
        offset: input offset of each.
        keys: key bytes, None for a null key.
        values: value bytes, None for a tombstone.
    """

    messages: Sequence[Message]
    partition: Int64[ndarray, " records"]
    offset: Int64[ndarray, " records"]
    keys: Sequence[bytes | None]
    values: list[bytes | None]

    def __len__(self) -> int:
        return len(self.keys)

    def partitions(self) -> list[int]:
        """The partitions that occur, ascending."""
        return present(self.partition)

    def only(self, kept: Bool[ndarray, " records"]) -> "RecordBatch":
        """The records that are marked."""
        index = np.flatnonzero(kept).tolist()
        return RecordBatch(
            [self.messages[i] for i in index],
            self.partition[kept],
            self.offset[kept],
            [self.keys[i] for i in index],
            [self.values[i] for i in index],
        )


def present(numbers: Int64[ndarray, " records"]) -> list[int]:
    """The small non-negative numbers that occur, ascending; `np.unique` would sort the records."""
    found: list[int] = np.flatnonzero(np.bincount(numbers)).tolist() if numbers.size else []
    return found


def batch_records(
    messages: Sequence[Message], next_offset_of: Callable[[int], int | None]
) -> RecordBatch:
    """Keep the records that are due and put them into columns.

    Args:
        messages: error-free messages of the ticks topic.
        next_offset_of: the next offset a partition expects, None where it takes no input.
            Records below it are echoes of a fetch from before a seek: they are dropped.
    """
    partition = np.fromiter((m.partition() for m in messages), np.int64, len(messages))
    offset = np.fromiter((m.offset() for m in messages), np.int64, len(messages))
    due = np.zeros(len(messages), dtype=bool)
    for number in present(partition):
        next_offset = next_offset_of(number)
        if next_offset is not None:
            due |= (partition == number) & (offset >= next_offset)
    kept = messages if due.all() else [m for m, keep in zip(messages, due, strict=True) if keep]
    return RecordBatch(
        kept, partition[due], offset[due], [m.key() for m in kept], [m.value() for m in kept]
    )
