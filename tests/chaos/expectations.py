"""What must be seen while a scenario plays, in place among its faults."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.stage import Stage
from workers.telemetry.metrics import MetricDef

__all__ = ["AwaitWorkers", "SeeMetric"]

_LOOK_S: Final = 0.2


@dataclass(frozen=True)
class SeeMetric:
    """A metric of the running workers comes within its bounds in time.

    Attributes:
        metric: which one; over workers and labels a counter is summed, of a gauge it is the
            greatest value.
        least: lower bound.
        most: upper bound.
        within_s: how long it may take.
    """

    at_s: float
    metric: MetricDef
    least: float = 0.0
    most: float = float("inf")
    within_s: float = 60.0

    def strike(self, stage: Stage) -> None:
        stage.later(0.0, lambda: self._watch(stage))

    def _watch(self, stage: Stage) -> None:
        over: Callable[[Sequence[float]], float] = sum if self.metric.kind == "counter" else max
        until_s = time.monotonic() + self.within_s
        values: Sequence[float] = ()
        while time.monotonic() < until_s:
            values = stage.metric(self.metric.name)
            if values and self.least <= over(values) <= self.most:
                stage.note(f"{self.metric.name} is {over(values):.1f}")
                return
            time.sleep(_LOOK_S)
        raise AssertionError(
            f"{self.metric.name} is {list(values)} at {self.at_s:.0f} s + {self.within_s:.0f} s: "
            f"not from {self.least} to {self.most}\n{stage.log}"
        )


@dataclass(frozen=True)
class AwaitWorkers:
    """So many workers hold partitions; whatever comes next in the scenario waits for that.

    Attributes:
        workers: how many.
        within_s: how long it may take.
    """

    at_s: float
    workers: int
    within_s: float = 90.0

    def strike(self, stage: Stage) -> None:
        until_s = time.monotonic() + self.within_s
        while stage.at_work < self.workers:
            stage.keep_alive()
            assert time.monotonic() < until_s, (
                f"{stage.at_work} of {self.workers} workers hold partitions after "
                f"{self.within_s:.0f} s\n{stage.log}\n{stage.fleet.log_ends()}"
            )
            time.sleep(_LOOK_S)
        stage.note(f"{self.workers} workers hold partitions")
