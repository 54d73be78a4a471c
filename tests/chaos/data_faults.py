"""Faults of the input."""

import time
from dataclasses import dataclass

import numpy as np

from tests.chaos.stage import Stage
from tests.kafka.feed import Ticks, produce

__all__ = ["NewAssets"]


@dataclass(frozen=True)
class NewAssets:
    """So many assets that nobody has seen before, a tick of each, as fast as they can be sent."""

    at_s: float
    count: int

    def strike(self, stage: Stage) -> None:
        stage.note(f"{self.count} new assets")
        stage.later(0.0, lambda: self._produce(stage))

    def _produce(self, stage: Stage) -> None:
        numbers = np.arange(self.count)
        names = [f"new-{number:06d}" for number in numbers.tolist()]
        stamps_ns = np.full(self.count, time.time_ns())
        produce(stage.kafka, stage.fleet.ticks, Ticks(names, 10.0 + numbers / 1_000, stamps_ns))
