"""A run cut into slices that have nothing to do with each other: partitions of a topic, or assets
of a file by a hash of their name. Pure.
"""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from snapshots import PartitionImage
from workers.batching.keys import CodedKeys
from workers.replay.chunk import TickChunk
from workers.replay.errors import ReplayError
from workers.replay.files.file_source import FileSource
from workers.replay.run import RunPlan
from workers.replay.source import TickSource
from workers.replay.topics.topic_source import TopicSource

__all__ = ["AssetSlice", "slice_plans"]


def slice_plans(plan: RunPlan, count: int) -> list[RunPlan]:
    """The plan in at most `count` slices; where they are to be written is left as it is.

    Raises:
        ReplayError: the source cannot be read by several processes.
    """
    if isinstance(plan.source, TopicSource):
        plans = _by_partition(plan, plan.source, count)
    elif isinstance(plan.source, FileSource):
        plans = [
            replace(
                plan,
                source=AssetSlice(plan.source, number, count),
                begin={n: _of_slice(image, number, count) for n, image in plan.begin.items()},
            )
            for number in range(count)
        ]
    else:
        raise ReplayError(f"{plan.source.name} can be read by one process only: no --processes")
    return [
        one if one.publish is None else replace(one, publish=one.publish.of_part(str(number)))
        for number, one in enumerate(plans)
    ]


class AssetSlice:
    """Those ticks of a source whose assets fall to one of several slices.

    Args:
        source: all ticks; each slice reads and checks them all.
        number: which slice, from 0.
        count: how many there are.
    """

    def __init__(self, source: TickSource, number: int, count: int) -> None:
        self._source = source
        self._number, self._count = number, count
        self._mine: dict[bytes | None, bool] = {}
        self.name = source.name

    @property
    def merged_by_time(self) -> bool:
        """As the whole."""
        return self._source.merged_by_time

    @property
    def share(self) -> float:
        """As the whole."""
        return self._source.share

    @property
    def warnings(self) -> list[str]:
        """Of the whole."""
        return self._source.warnings

    def describe(self) -> dict[str, Any]:
        """The whole and which slice."""
        return {**self._source.describe(), "slice": f"{self._number} of {self._count}"}

    def chunks(
        self, after: Mapping[int, int], reached_ns: Mapping[int, int] | None = None
    ) -> Generator[TickChunk]:
        """Its ticks, in the order of the whole."""
        mine = self._mine
        for chunk in self._source.chunks(after, reached_ns):
            keys = CodedKeys.of(chunk.keys)
            for key in set(keys.names) - mine.keys():
                mine[key] = slice_of(key, self._count) == self._number
            kept = np.flatnonzero(np.array([mine[key] for key in keys.names])[keys.codes])
            if kept.size:
                yield chunk.take(kept)


def slice_of(key: bytes | None, count: int) -> int:
    """Which of so many slices an asset falls to, the same on every machine."""
    return crc32(key or b"") % count


def _by_partition(plan: RunPlan, source: TopicSource, count: int) -> list[RunPlan]:
    """The largest partition first, each to the slice that has least."""
    span = source.span
    sizes = {number: span.end[number] - first for number, first in span.start.items()}
    groups: list[list[int]] = [[] for _ in range(min(count, len(sizes)))]
    for number in sorted(sizes, key=lambda n: (-sizes[n], n)):
        least = min(groups, key=lambda group: (sum(sizes[n] for n in group), len(group)))
        least.append(number)
    return [
        replace(
            plan,
            source=source.only(group),
            begin={n: image for n, image in plan.begin.items() if n in group},
            watch=None if plan.watch is None else plan.watch.only(group),
        )
        for group in groups
    ]


def _of_slice(image: PartitionImage, number: int, count: int) -> PartitionImage:
    mine: Int64[ndarray, " assets"] = np.array(
        [i for i, id_ in enumerate(image.asset_ids) if slice_of(id_.encode(), count) == number],
        dtype=np.int64,
    )
    return replace(
        image,
        asset_ids=tuple(image.asset_ids[i] for i in mine.tolist()),
        rows=image.rows[mine],
        last_timestamp_ns=image.last_timestamp_ns[mine],
        sequence=image.sequence[mine],
        dirty=image.dirty[mine],
    )
