"""What a refused tick leaves to its asset's next one of a batch: the time that has passed by then.

A refused tick does not move its asset's clock. Which ones are refused is known after their step
only, so elapsed times are counted from tick to tick first, and put right where it happens. In
whole nanoseconds: the sum is then what a batch that begins at the later tick would have counted.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from core import Flag

__all__ = ["Behind", "refused"]


class Behind:
    """Rows whose last tick was refused, and how long after the last accepted one it came."""

    def __init__(self) -> None:
        self._ns: dict[int, int] = {}

    def take(self, row: int) -> int:
        """What a row's next tick has to count besides, ns; now it is counted."""
        return self._ns.pop(row, 0)

    def at(self, rows: Int64[ndarray, " ticks"]) -> list[int]:
        """Positions of the rows that are behind."""
        if not self._ns:
            return []
        return [at for at, row in enumerate(rows.tolist()) if row in self._ns]

    def remember(
        self, rows: Int64[ndarray, " refused"], elapsed_ns: Int64[ndarray, " refused"]
    ) -> None:
        """Of ticks that were refused: their rows, and the time since the last accepted ones."""
        self._ns.update(zip(rows.tolist(), elapsed_ns.tolist(), strict=True))


def refused(flags: Float64[ndarray, " ticks"]) -> Bool[ndarray, " ticks"]:
    """Whether each tick was, by its `Output.FLAGS`."""
    found: Bool[ndarray, " ticks"] = (flags.astype(np.int64) & int(Flag.DOMAIN_ERROR)) != 0
    return found
