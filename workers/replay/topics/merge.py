"""Partitions merged by event time, whatever the pace at which they are fetched. Pure.

A record stands at the latest event time of its partition so far, so that a late tick keeps its
place behind its partition's earlier ones. Ties go by partition, then offset.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from workers.replay.chunk import TickChunk
from workers.replay.places import EARLIEST_NS, event_places

__all__ = ["EventTimeMerge"]


class EventTimeMerge:
    """Takes chunks of single partitions, gives back chunks in the common order.

    Args:
        partitions: all that will come.
        reached_ns: the latest event time of those that have begun before.
    """

    def __init__(
        self, partitions: Iterable[int], reached_ns: Mapping[int, int] | None = None
    ) -> None:
        before = reached_ns or {}
        self._reached = {number: before.get(number, EARLIEST_NS) for number in partitions}
        self._open = set(self._reached)
        self._chunks: list[TickChunk] = []
        self._places: list[Int64[ndarray, " n"]] = []
        self._waiting = dict.fromkeys(self._reached, 0)

    def waiting(self, partition: int) -> int:
        """How many of a partition's records wait for the others."""
        return self._waiting[partition]

    def hindmost(self, partition: int) -> bool:
        """Whether the others wait for this one."""
        return partition in self._open and self._reached[partition] == self._bound()

    def add(self, partition: int, chunk: TickChunk) -> None:
        """Records of one partition, following those added before."""
        if not len(chunk):
            return
        place = event_places(chunk.accepted, chunk.timestamp_ns, self._reached[partition])
        self._reached[partition] = int(place[-1])
        self._chunks.append(chunk)
        self._places.append(place)
        self._waiting[partition] += len(chunk)

    def finish(self, partition: int) -> None:
        """No more will come of it."""
        self._open.discard(partition)

    def ready(self) -> TickChunk | None:
        """What nothing can come before any more; None when that is nothing."""
        if not self._chunks:
            return None
        chunk, place = TickChunk.join(self._chunks), np.concatenate(self._places)
        free = place < self._bound() if self._open else np.ones(len(chunk), dtype=bool)
        self._chunks, self._places = [chunk], [place]
        if not free.any():
            return None
        kept = np.flatnonzero(~free)
        self._chunks = [chunk.take(kept)] if kept.size else []
        self._places = [place[kept]] if kept.size else []
        index = np.flatnonzero(free)
        order = np.lexsort((chunk.offset[index], chunk.partition[index], place[index]))
        given = chunk.take(index[order])
        for number in self._waiting:
            self._waiting[number] -= int((given.partition == number).sum())
        return given

    def _bound(self) -> int:
        return min(self._reached[number] for number in self._open)
