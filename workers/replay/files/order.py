"""Whether the rows of a table are in order of time and none is there twice."""

import math
from typing import Final

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from workers.replay.chunk import TickChunk
from workers.replay.errors import BadTicksError
from workers.replay.files.layout import Layout, Repeats, how

__all__ = ["OrderCheck"]

_BEGINNING: Final = -(2**63)
"""Times before 1970 are in order too: they are refused as no ticks."""


class OrderCheck:
    """Follows chunk by chunk; remembers the rows of the newest instant only.

    Args:
        source: named in errors.
        layout: what is allowed.
    """

    def __init__(self, source: str, layout: Layout) -> None:
        self._source = source
        self._layout = layout
        self._newest_ns = _BEGINNING
        self._seen: set[tuple[bytes | None, float, float | None]] = set()
        self.dropped = 0

    def check(self, chunk: TickChunk) -> TickChunk:
        """The chunk, without repeated rows where they are to be dropped.

        Raises:
            BadTicksError: a row is out of order, or repeats another.
        """
        if self._layout.unsorted or not len(chunk):
            return chunk
        self._check_time(chunk)
        if self._layout.repeats is not Repeats.KEEP:
            repeated = self._repeated(chunk)
            if repeated.any():
                chunk = self._without(chunk, repeated)
        self._newest_ns = int(chunk.timestamp_ns[-1]) if len(chunk) else self._newest_ns
        return chunk

    def _check_time(self, chunk: TickChunk) -> None:
        stamps = chunk.timestamp_ns
        backwards = np.diff(stamps, prepend=min(self._newest_ns, int(stamps[0]))) < 0
        backwards[0] = int(stamps[0]) < self._newest_ns
        if backwards.any():
            at = int(backwards.argmax())
            before = int(stamps[at - 1]) if at else self._newest_ns
            raise BadTicksError(
                f"{self._source}: row {int(chunk.offset[at]) + 1}: its time {int(stamps[at])} ns "
                f"is before {before} ns of the row above. Sort the rows by time; or, if this is "
                f"the order in which they arrived, say {how('unsorted')}"
            )

    def _repeated(self, chunk: TickChunk) -> Bool[ndarray, " n"]:
        stamps = chunk.timestamp_ns
        same = np.zeros(stamps.size + 1, dtype=bool)
        same[1:-1] = stamps[1:] == stamps[:-1]
        # The first may repeat the chunk before, the last may be repeated by the next one.
        same[0] = same[-1] = True
        repeated = np.zeros(stamps.size, dtype=bool)
        current = self._newest_ns
        for i in np.flatnonzero(same[:-1] | same[1:]).tolist():
            if stamps[i] != current:
                current = int(stamps[i])
                self._seen.clear()
            target = float(chunk.target[i])
            row = (chunk.keys[i], float(chunk.price[i]), None if math.isnan(target) else target)
            repeated[i] = row in self._seen
            self._seen.add(row)
        return repeated

    def _without(self, chunk: TickChunk, repeated: Bool[ndarray, " n"]) -> TickChunk:
        if self._layout.repeats is None or self._layout.repeats is Repeats.REFUSE:
            at = int(repeated.argmax())
            raise BadTicksError(
                f"{self._source}: row {int(chunk.offset[at]) + 1} repeats a row above it: the same "
                f"asset, time, price and target. If it is a copy, say {how('repeats', 'drop')}; if "
                f"these are two ticks, say {how('repeats', 'keep')}"
            )
        self.dropped += int(repeated.sum())
        return chunk.take(np.flatnonzero(~repeated))
