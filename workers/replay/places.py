"""Where each record stands in the order of a whole run, so that parts of it can be merged. Pure.

By event time that is the latest one of its partition so far; else its partition and offset. What
is equal in it goes by partition, then offset.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from workers.replay.chunk import TickChunk

__all__ = ["EARLIEST_NS", "Places", "event_places"]

EARLIEST_NS: Final = int(np.iinfo(np.int64).min)
_OFFSET_BITS: Final = 44


def event_places(
    accepted: Bool[ndarray, " n"], timestamp_ns: Int64[ndarray, " n"], reached_ns: int
) -> Int64[ndarray, " n"]:
    """The latest event time so far of records of one partition; refused ones have none."""
    stamps = np.where(accepted, timestamp_ns, EARLIEST_NS)
    stamps[0] = max(int(stamps[0]), reached_ns)
    return np.maximum.accumulate(stamps)


class Places:
    """Follows chunk by chunk.

    Args:
        by_time: whether the run is merged by event time.
        reached_ns: per partition the latest event time before the first chunk.
    """

    def __init__(self, *, by_time: bool, reached_ns: Mapping[int, int]) -> None:
        self._by_time = by_time
        self.reached_ns = dict(reached_ns)

    def of(self, chunk: TickChunk) -> Int64[ndarray, " n"]:
        """The place of each record."""
        if not self._by_time:
            return np.asarray((chunk.partition << _OFFSET_BITS) + chunk.offset)
        places = np.empty(len(chunk), dtype=np.int64)
        for number in np.unique(chunk.partition).tolist():
            here = np.flatnonzero(chunk.partition == number)
            before = self.reached_ns.get(number, EARLIEST_NS)
            places[here] = event_places(chunk.accepted[here], chunk.timestamp_ns[here], before)
            self.reached_ns[number] = int(places[here[-1]])
        return places
