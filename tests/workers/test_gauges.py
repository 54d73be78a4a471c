"""What the loop says of itself: readiness, and how far a long replay has come."""

from typing import Any, cast

import jax
import numpy as np
import pytest
from structlog.testing import capture_logs

from core import PredictorConfig
from tests.core.ticks import packed
from workers.assignment import Assignment
from workers.gauges import Gauges, device_memory
from workers.health import WorkerHealth
from workers.membership import Membership
from workers.metrics import M, MetricDef, NullTelemetry
from workers.partition import Partition, Phase
from workers.rounds import order_by_row
from workers.state_table import StateTable


class SteppedClock:
    """A clock that only the test moves."""

    now_s = 100.0

    def now_ns(self) -> int:
        return int(self.now_s * 1e9)

    def monotonic_s(self) -> float:
        return self.now_s


class Held:
    """An assignment of given partitions."""

    def __init__(self, *partitions: Partition) -> None:
        self._partitions = partitions

    def all(self) -> list[Partition]:
        return list(self._partitions)

    def live(self) -> list[Partition]:
        return [p for p in self._partitions if p.phase is Phase.LIVE]

    def count(self, phase: Phase) -> int:
        return sum(p.phase is phase for p in self._partitions)


def gauges(health: WorkerHealth, clock: SteppedClock, *partitions: Partition) -> Gauges:
    table = StateTable(PredictorConfig(), "float64")
    return Gauges(
        cast(Assignment, Held(*partitions)),
        table,
        clock=clock,
        telemetry=NullTelemetry(),
        health=health,
    )


def test_a_worker_is_ready_when_every_partition_is_live() -> None:
    partition, health, clock = Partition(0, 0.0), WorkerHealth(), SteppedClock()
    shown = gauges(health, clock, partition)
    for phase in (Phase.RESTORING, Phase.REPLAYING, Phase.FAILED):
        partition.phase = phase
        clock.now_s += 1.0
        shown.report(cast(Membership, None), ready=True)
        assert not health.report().ready, phase
    shown = gauges(health, clock)
    shown.report(cast(Membership, None), ready=True)
    assert health.report().ready
    shown.report(cast(Membership, None), ready=False)
    assert not health.report().ready


@pytest.mark.parametrize(("offset", "percent"), [(100, 0.0), (150, 50.0), (200, 100.0)])
def test_a_long_replay_reports_its_progress_once_a_second(offset: int, percent: float) -> None:
    partition = Partition(3, 0.0, Phase.REPLAYING)
    partition.replay_from, partition.emitted_to, partition.next_offset = 100, 199, offset
    clock = SteppedClock()
    shown = gauges(WorkerHealth(), clock, partition)
    with capture_logs() as logs:
        shown.report(cast(Membership, None), ready=True)
        shown.report(cast(Membership, None), ready=True)
    lines: list[Any] = [line for line in logs if line["event"] == "replaying"]
    assert [(line["partition"], line["percent"]) for line in lines] == [(3, percent)]


class Counted(NullTelemetry):
    """Remembers what was added to counters."""

    def __init__(self) -> None:
        self.added: list[tuple[MetricDef, float]] = []

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        self.added.append((metric, amount))


def test_calls_of_the_step_and_ticks_without_one_are_counted_once() -> None:
    table, clock, telemetry = StateTable(PredictorConfig(), "float64"), SteppedClock(), Counted()
    shown = Gauges(
        cast(Assignment, Held()), table, clock=clock, telemetry=telemetry, health=WorkerHealth()
    )
    table.soloist.prepare()
    rows = table.allocate(70)
    for ticked in (rows, rows[:1], rows[:0], rows[[3] * 50]):  # two tiles, one, none, one asset
        if ticked.size:
            table.step(order_by_row(ticked), np.repeat(packed(1.0)[:, :1], ticked.size, axis=1))
        clock.now_s += 1.0
        shown.report(cast(Membership, None), ready=True)
    counted = [(2, 0), (1, 0), (0, 0), (0, 50)]
    assert telemetry.added == [
        added
        for calls, alone in counted
        for added in ((M.STEP_CALLS, calls), (M.TICKS_ALONE, alone))
    ]


class Accelerator:
    """Stands in for a device that tests do not have; the figures are named as JAX names them."""

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_in_use": 3, "peak_bytes_in_use": 5, "bytes_limit": 7, "num_allocs": 9}


def test_memory_is_told_of_accelerators_and_not_of_cpus() -> None:
    assert device_memory(Accelerator()) == {"in_use": 3, "peak": 5, "limit": 7}
    if jax.default_backend() == "cpu":
        assert device_memory(jax.local_devices()[0]) == {}
