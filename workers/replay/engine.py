"""The state of a replay: the workers' own table and stepper, without Kafka around them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from core import PredictorConfig
from schemas import ResultColumns
from snapshots import PartitionImage
from workers.compute.state_table import StateTable
from workers.compute.stepper import Stepper
from workers.partition import Partition, Phase
from workers.replay.chunk import TickChunk
from workers.replay.decisions import Deciding

__all__ = ["Engine", "Stepped"]


@dataclass(frozen=True, slots=True)
class Stepped:
    """Results with the ticks they answer.

    Attributes:
        results: one a tick.
        price: of those ticks.
        target: of those ticks.
        index: of those ticks, in their chunk.
    """

    results: ResultColumns
    price: Float64[ndarray, " n"]
    target: Float64[ndarray, " n"]
    index: Int64[ndarray, " n"]


class Engine:
    """Steps chunks and keeps the state of every asset between them.

    Args:
        config: the predictor's configuration.
        dtype: `float64` or `float32`.
        source: stamped into results as their topic.
        deciding: gives each tick its decision.
    """

    def __init__(
        self, config: PredictorConfig, dtype: str, *, source: str, deciding: Deciding
    ) -> None:
        self._table = StateTable(config, dtype)
        self._stepper = Stepper(config, self._table, source)
        self._deciding = deciding
        self._partitions: dict[int, Partition] = {}

    @property
    def assets(self) -> int:
        """How many assets have been seen."""
        return self._table.assets

    @property
    def positions(self) -> dict[int, int]:
        """The next offset of each partition."""
        return {number: owner.next_offset for number, owner in self._partitions.items()}

    def step(self, chunk: TickChunk) -> Stepped:
        """Step a chunk.

        Raises:
            ReplayError: a record has no decision; nothing was done.
        """
        decisions, wanted = self._deciding.of(chunk)
        ticks = chunk.ticks()
        for number in np.unique(chunk.partition).tolist():
            self._partitions.setdefault(number, Partition(number, 0.0, Phase.LIVE))
        published = wanted[ticks.index]
        results = self._stepper.step(
            chunk.records(),
            ticks,
            decisions.at(ticks.index),
            self._partitions,
            published=published,
        )
        answered = ticks.index[published]
        return Stepped(results, ticks.price[published], ticks.target[published], answered)

    def images(self) -> dict[int, PartitionImage]:
        """A copy of every partition's state, for a checkpoint."""
        images = {}
        for number, owner in self._partitions.items():
            rows = owner.row_array()
            images[number] = PartitionImage(
                offset=owner.next_offset,
                journal_position=0,
                asset_ids=tuple(asset.decode() for asset in owner.assets),
                rows=self._table.copy(rows),
                last_timestamp_ns=self._table.last_timestamp_ns[rows],
                sequence=self._table.sequence[rows],
                dirty=self._table.dirty[rows],
            )
            self._table.dirty[rows] = False
        return images

    def restore(self, images: Mapping[int, PartitionImage]) -> None:
        """Go on from these states; the engine must be fresh."""
        for number, image in images.items():
            owner = Partition(number, 0.0, Phase.LIVE, next_offset=image.offset)
            rows = self._table.restore(image.rows, image.last_timestamp_ns, image.sequence)
            owner.adopt((asset.encode() for asset in image.asset_ids), rows)
            self._partitions[number] = owner
