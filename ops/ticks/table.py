"""Ticks in columns, as they come from a file or a generator."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import Float64, Int64

if TYPE_CHECKING:
    from workers.replay import RecordColumns

__all__ = ["TickTable"]


@dataclass(frozen=True, slots=True)
class TickTable:
    """n ticks in the order they are to be sent.

    `target` is NaN where there is none; `timestamp_ns` counts from the Unix epoch. `records` has
    what they were in the topic that they were exported from; None: nothing is known. `warnings`
    tell what was left out of their file, and what in it looks like a mistake.
    """

    asset_id: Sequence[str]
    price: Float64[np.ndarray, " n"]
    target: Float64[np.ndarray, " n"]
    timestamp_ns: Int64[np.ndarray, " n"]
    records: "RecordColumns | None" = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.asset_id)

    def starting_at(self, timestamp_ns: int) -> Self:
        """The same ticks, moved in time so that the first is at `timestamp_ns`; the records'
        own times are then new ones.
        """
        if not len(self):
            return self
        records = self.records
        if records is not None:
            records = replace(records, time_ms=np.zeros_like(records.time_ms))
        moved_ns = self.timestamp_ns - self.timestamp_ns[0] + np.int64(timestamp_ns)
        return replace(self, timestamp_ns=moved_ns, records=records)
