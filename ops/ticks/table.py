"""Ticks in columns, as they come from a file or a generator."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float64, Int64

__all__ = ["TickTable"]


@dataclass(frozen=True, slots=True)
class TickTable:
    """n ticks in the order they are to be sent.

    `target` is NaN where there is none; `timestamp_ns` counts from the Unix epoch.
    """

    asset_id: Sequence[str]
    price: Float64[np.ndarray, " n"]
    target: Float64[np.ndarray, " n"]
    timestamp_ns: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.asset_id)

    def starting_at(self, timestamp_ns: int) -> Self:
        """The same ticks, moved in time so that the first is at `timestamp_ns`."""
        if not len(self):
            return self
        return replace(
            self, timestamp_ns=self.timestamp_ns - self.timestamp_ns[0] + np.int64(timestamp_ns)
        )
