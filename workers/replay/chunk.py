"""Ticks on their way into a replay: decoded, in columns, refused ones among them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from confluent_kafka import Message
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from schemas import Rejection, TickColumns
from workers.batching.keys import joined, taken
from workers.batching.records import RecordBatch

__all__ = ["Refused", "TickChunk"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is no tick: where it stands and why; a worker would bury it."""

    partition: int
    offset: int
    error_class: str
    message: str


@dataclass(frozen=True, slots=True)
class TickChunk:
    """n records; offsets ascend within a partition.

    Attributes:
        partition: of each record.
        offset: input offset, or the row number in a file, from 0.
        keys: asset ids in UTF-8.
        accepted: which records are ticks; of the others the next three mean nothing.
        price: units of the price.
        target: NaN where there is none.
        timestamp_ns: nanoseconds since the Unix epoch.
        refused: the others, with the reason.
        messages: what Kafka delivered, where the source keeps it; else empty.
    """

    partition: Int64[ndarray, " n"]
    offset: Int64[ndarray, " n"]
    keys: Sequence[bytes | None]
    accepted: Bool[ndarray, " n"]
    price: Float64[ndarray, " n"]
    target: Float64[ndarray, " n"]
    timestamp_ns: Int64[ndarray, " n"]
    refused: tuple[Refused, ...] = ()
    messages: Sequence[Message] = ()

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def none(cls) -> Self:
        """No records."""
        no_numbers, no_prices = np.empty(0, dtype=np.int64), np.empty(0)
        no_bits = np.empty(0, dtype=bool)
        return cls(no_numbers, no_numbers, (), no_bits, no_prices, no_prices, no_numbers)

    @classmethod
    def decoded(
        cls, records: RecordBatch, ticks: TickColumns, rejections: Sequence[Rejection]
    ) -> Self:
        """What a codec made of records."""
        count = len(records)
        accepted = np.zeros(count, dtype=bool)
        accepted[ticks.index] = True
        price, target = np.full(count, np.nan), np.full(count, np.nan)
        timestamp_ns = np.zeros(count, dtype=np.int64)
        price[ticks.index], target[ticks.index] = ticks.price, ticks.target
        timestamp_ns[ticks.index] = ticks.timestamp_ns
        refused = tuple(
            Refused(
                int(records.partition[r.index]),
                int(records.offset[r.index]),
                r.error_class,
                r.message,
            )
            for r in rejections
        )
        return cls(
            records.partition,
            records.offset,
            records.keys,
            accepted,
            price,
            target,
            timestamp_ns,
            refused,
        )

    @classmethod
    def join(cls, chunks: Sequence[Self]) -> Self:
        """One after the other."""
        if len(chunks) == 1:
            return chunks[0]
        arrays = {
            name: np.concatenate([getattr(chunk, name) for chunk in chunks])
            for name in _array_names()
        }
        return cls(
            **arrays,
            keys=joined([chunk.keys for chunk in chunks]),
            refused=tuple(one for chunk in chunks for one in chunk.refused),
            messages=[one for chunk in chunks for one in chunk.messages],
        )

    def take(self, index: Int64[ndarray, " m"]) -> Self:
        """The records at some positions, in that order; refusals go with their records."""
        chunk = type(self)(
            **{name: getattr(self, name)[index] for name in _array_names()},
            keys=taken(self.keys, index),
            messages=[self.messages[i] for i in index.tolist()] if self.messages else (),
        )
        if not self.refused:
            return chunk
        records = zip(chunk.partition.tolist(), chunk.offset.tolist(), strict=True)
        refused = {(one.partition, one.offset): one for one in self.refused}
        return replace(chunk, refused=tuple(refused[at] for at in records if at in refused))

    def records(self) -> RecordBatch:
        """Where each record comes from; the bytes are not kept."""
        return RecordBatch((), self.partition, self.offset, self.keys, [])

    def ticks(self) -> TickColumns:
        """The accepted ones."""
        if self.accepted.all():
            index = np.arange(len(self))
            return TickColumns(index, self.price, self.target, self.timestamp_ns)
        index = np.flatnonzero(self.accepted)
        return TickColumns(index, self.price[index], self.target[index], self.timestamp_ns[index])


def _array_names() -> list[str]:
    others = ("keys", "refused", "messages")
    return [one.name for one in fields(TickChunk) if one.name not in others]
