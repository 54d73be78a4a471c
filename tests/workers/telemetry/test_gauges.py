"""What the loop says of itself: readiness, and how far a long replay has come."""

from types import SimpleNamespace
from typing import Any, cast

import jax
import numpy as np
import pytest
from structlog.testing import capture_logs

from core import PredictorConfig
from tests.core.ticks import packed
from workers.assignment import Assignment
from workers.brokers.topic_watch import TopicWatch
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable
from workers.group.membership import Membership
from workers.partition import Partition, Phase
from workers.telemetry.gauges import Gauges, device_memory
from workers.telemetry.health import WorkerHealth
from workers.telemetry.metrics import M, MetricDef, NullTelemetry


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

    def take(self, partition: Partition) -> None:
        self._partitions += (partition,)

    def let_go(self, number: int) -> None:
        self._partitions = tuple(p for p in self._partitions if p.number != number)

    def count(self, phase: Phase) -> int:
        return sum(p.phase is phase for p in self._partitions)


class Seat:
    """A membership that knows where every partition ends."""

    def __init__(self, *, joined: bool = True) -> None:
        self.joined = joined

    def end_offset(self, _number: int) -> int:
        return 1_000

    def read_to(self, _number: int) -> int:
        return -1001


class Watch:
    """Looks at the ticks topic, and has asked for no end and no commit yet."""

    def __init__(self) -> None:
        self.readable = True
        self.ends: dict[int, int] = {}
        self.commits: dict[int, int] = {}

    def end_offset(self, number: int) -> int:
        return self.ends.get(number, -1)

    def committed_offset(self, number: int) -> int:
        return self.commits.get(number, -1)


SEAT = cast(Membership, Seat())
WATCH = cast(TopicWatch, Watch())


def gauges(
    health: WorkerHealth,
    clock: SteppedClock,
    *partitions: Partition,
    topic_watch: TopicWatch = WATCH,
) -> Gauges:
    table = StateTable(PredictorConfig(), "float64")
    return Gauges(
        cast(Assignment, Held(*partitions)),
        table,
        topic_watch,
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
        shown.report(SEAT, ready=True)
        assert not health.report().ready, phase
    shown = gauges(health, clock)
    shown.report(SEAT, ready=True)
    assert health.report().ready
    shown.report(SEAT, ready=False)
    assert not health.report().ready


def test_a_worker_that_the_group_has_not_answered_yet_is_not_ready() -> None:
    health, clock, seat = WorkerHealth(), SteppedClock(), Seat(joined=False)
    shown = gauges(health, clock)
    for joined in (False, True, False):
        seat.joined = joined
        shown.report(cast(Membership, seat), ready=True)
        assert health.report().ready == joined


def test_a_worker_that_may_not_read_the_ticks_is_not_ready() -> None:
    health, clock, watch = WorkerHealth(), SteppedClock(), Watch()
    shown = gauges(health, clock, topic_watch=cast(TopicWatch, watch))
    for readable in (True, False, True):
        watch.readable = readable
        shown.report(SEAT, ready=True)
        assert health.report().ready == readable


@pytest.mark.parametrize(("offset", "percent"), [(100, 0.0), (150, 50.0), (200, 100.0)])
def test_a_long_replay_reports_its_progress_once_a_second(offset: int, percent: float) -> None:
    partition = Partition(3, 0.0, Phase.REPLAYING)
    partition.replay_from, partition.emitted_to, partition.next_offset = 100, 199, offset
    clock = SteppedClock()
    shown = gauges(WorkerHealth(), clock, partition)
    with capture_logs() as logs:
        shown.report(SEAT, ready=True)
        shown.report(SEAT, ready=True)
    lines: list[Any] = [line for line in logs if line["event"] == "replaying"]
    assert [(line["partition"], line["percent"]) for line in lines] == [(3, percent)]


class Shown(NullTelemetry):
    """What a scrape would find of partitions: metric and partition → value."""

    def __init__(self) -> None:
        self.series: dict[tuple[MetricDef, str], float] = {}

    def set(self, metric: MetricDef, value: float, **labels: str) -> None:
        if "partition" in labels:
            self.series[metric, labels["partition"]] = value

    def remove(self, metric: MetricDef, **labels: str) -> None:
        self.series.pop((metric, labels["partition"]), None)


class Lag:
    """Gauges of partitions with one asset each, whose newest tick came `ages_s` ago."""

    def __init__(self, ages_s: dict[int, float]) -> None:
        self.clock, self.telemetry, self.seat = SteppedClock(), Shown(), Seat()
        self.watch = Watch()
        self.clock.now_s = 1.7e9
        self._table = StateTable(PredictorConfig(), "float64")
        self.held = Held(*(Partition(number, 0.0, Phase.LIVE) for number in ages_s))
        for partition, age_s in zip(self.held.all(), ages_s.values(), strict=True):
            partition.next_offset = 900
            self.add(partition, age_s)
        self._gauges = Gauges(
            cast(Assignment, self.held),
            self._table,
            cast(TopicWatch, self.watch),
            clock=self.clock,
            telemetry=self.telemetry,
            health=WorkerHealth(),
        )

    def add(self, partition: Partition, age_s: float) -> None:
        """One asset more, whose newest tick is so old."""
        partition.adopt([b"asset-%d" % len(partition.assets)], self._table.allocate(1))
        self._date(partition.rows[-1:], age_s)

    def date(self, partition: Partition, age_s: float) -> None:
        """All assets tick again, and say that it was so long ago."""
        self._date(partition.rows, age_s)

    def _date(self, rows: list[int], age_s: float) -> None:
        self._table.last_timestamp_ns[rows] = int((self.clock.now_s - age_s) * 1e9)

    def shown(self, *, ready: bool = True) -> dict[tuple[MetricDef, str], float]:
        """What is exported a second later."""
        self.clock.now_s += 1.0
        self._gauges.report(cast(Membership, self.seat), ready=ready)
        return self.telemetry.series

    def close(self) -> None:
        """The worker has stopped."""
        self._gauges.close()


def test_nothing_is_told_of_a_partition_that_has_left() -> None:
    lag = Lag({3: 5.0, 4: 5.0})
    metrics = (M.LAG_RECORDS, M.LAG_SECONDS, M.SNAPSHOT_AGE_SECONDS)
    assert lag.shown().keys() == {(metric, label) for metric in metrics for label in "34"}
    lag.held.let_go(3)
    assert lag.shown().keys() == {(metric, "4") for metric in metrics}
    lag.close()
    assert not lag.telemetry.series


@pytest.mark.parametrize("ahead_s", [62.0, 7.5e9])
def test_an_asset_dated_ahead_does_not_hide_how_late_the_others_are(ahead_s: float) -> None:
    lag = Lag({3: 600.0})
    [partition] = lag.held.all()
    lag.add(partition, -ahead_s)
    assert lag.shown()[M.LAG_SECONDS, "3"] == pytest.approx(601.0)


def test_a_clock_a_little_ahead_is_no_lag() -> None:
    lag = Lag({3: 600.0})
    lag.add(lag.held.all()[0], -50.0)
    assert lag.shown()[M.LAG_SECONDS, "3"] == 0.0


def test_lag_is_not_known_where_every_tick_is_dated_ahead() -> None:
    lag = Lag({3: 600.0})
    [partition] = lag.held.all()
    assert (M.LAG_SECONDS, "3") in lag.shown()
    lag.date(partition, -1e6)
    assert (M.LAG_SECONDS, "3") not in lag.shown()
    assert lag.telemetry.series[M.LAG_RECORDS, "3"] == 100


@pytest.mark.parametrize("ready", [True, False])
def test_lag_of_a_partition_that_restores_is_what_came_since_the_groups_commit(
    *, ready: bool
) -> None:
    lag = Lag({3: 5.0})
    lag.seat = ReadTo()  # of the assignment before
    [partition] = lag.held.all()
    assert lag.shown()[M.LAG_RECORDS, "3"] == 0
    partition.phase, partition.next_offset, partition.rows = Phase.RESTORING, 0, []
    assert lag.shown(ready=ready)[M.LAG_RECORDS, "3"] == 0, "kept until the brokers have told"
    lag.watch.ends[3], lag.watch.commits[3] = 1_200, 600
    assert lag.shown(ready=ready)[M.LAG_RECORDS, "3"] == 600
    lag.watch.ends[3] = 1_500
    assert lag.shown(ready=ready)[M.LAG_RECORDS, "3"] == 900


def test_the_newest_tick_ages_on_while_its_partition_restores() -> None:
    lag = Lag({3: 5.0})
    [partition] = lag.held.all()
    lag.shown()
    partition.phase, partition.rows = Phase.RESTORING, []
    lag.clock.now_s += 30.0
    assert lag.shown()[M.LAG_SECONDS, "3"] == pytest.approx(37.0)
    lag.held.let_go(3)
    lag.shown()
    lag.held.take(Partition(3, 0.0))
    assert (M.LAG_SECONDS, "3") not in lag.shown(), "another worker has stepped it since"


def test_lag_of_a_partition_that_replays_is_what_it_has_not_stepped_again() -> None:
    lag = Lag({3: 5.0})
    [partition] = lag.held.all()
    partition.phase, partition.next_offset, lag.watch.commits[3] = Phase.REPLAYING, 600, 500
    assert lag.shown()[M.LAG_RECORDS, "3"] == 400


def test_lag_of_a_partition_that_was_stopped_grows_from_where_it_was() -> None:
    lag = Lag({3: 5.0})
    lag.seat = ReadTo()
    [partition] = lag.held.all()
    partition.phase, lag.watch.commits[3] = Phase.FAILED, 600
    for end in (1_000, 1_500):
        lag.watch.ends[3] = end
        assert lag.shown()[M.LAG_RECORDS, "3"] == end - 900
    partition.next_offset = 0  # its recovery failed
    assert lag.shown()[M.LAG_RECORDS, "3"] == 900


def test_no_lag_is_told_where_the_group_has_no_commit() -> None:
    lag = Lag({3: 5.0})
    [partition] = lag.held.all()
    partition.phase, partition.next_offset = Phase.RESTORING, 0
    assert (M.LAG_RECORDS, "3") not in lag.shown()


class ReadTo(Seat):
    """All was handed over, and what lies between `position` and the end was not."""

    position = 1_000

    def read_to(self, _number: int) -> int:
        return self.position


def test_a_transactions_marker_behind_the_last_tick_is_no_lag() -> None:
    lag = Lag({3: 600.0})
    lag.seat = seat = ReadTo()
    assert lag.shown()[M.LAG_RECORDS, "3"] == 0
    seat.position = 990  # the rest is still to come, or an open transaction's
    assert lag.shown()[M.LAG_RECORDS, "3"] == 10


def test_what_the_brokers_do_not_let_the_client_fetch_is_lag() -> None:
    """Its own end of the partition stays where its last fetch found it."""
    lag = Lag({3: 5.0})
    lag.seat = ReadTo()
    assert lag.shown()[M.LAG_RECORDS, "3"] == 0
    lag.watch.ends[3] = 1_500
    assert lag.shown()[M.LAG_RECORDS, "3"] == 500


def test_what_was_fetched_and_left_undone_is_lag() -> None:
    lag = Lag({3: 600.0})
    assert lag.shown()[M.LAG_RECORDS, "3"] == 100
    lag.seat = ReadTo()
    assert lag.shown(ready=False)[M.LAG_RECORDS, "3"] == 100
    assert lag.telemetry.series[M.LAG_SECONDS, "3"] == pytest.approx(602.0)


class Counted(NullTelemetry):
    """Remembers what was added to counters."""

    def __init__(self) -> None:
        self.added: list[tuple[MetricDef, float]] = []

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        self.added.append((metric, amount))


def test_calls_of_the_step_and_ticks_without_one_are_counted_once() -> None:
    table, clock, telemetry = StateTable(PredictorConfig(), "float64"), SteppedClock(), Counted()
    shown = Gauges(
        cast(Assignment, Held()),
        table,
        WATCH,
        clock=clock,
        telemetry=telemetry,
        health=WorkerHealth(),
    )
    table.soloist.prepare()
    rows = table.allocate(70)
    for ticked in (rows, rows[:1], rows[:0], rows[[3] * 50]):  # two tiles, one, none, one asset
        if ticked.size:
            columns = np.repeat(packed(1.0)[:, :1], ticked.size, axis=1)
            table.step(order_by_row(ticked), columns, np.zeros_like(ticked))
        clock.now_s += 1.0
        shown.report(SEAT, ready=True)
    counted = [(2, 0), (1, 0), (0, 0), (0, 50)]
    assert telemetry.added == [
        added
        for calls, alone in counted
        for added in ((M.STEP_CALLS, calls), (M.TICKS_ALONE, alone))
    ]


def test_lag_and_snapshot_age_are_those_of_each_live_partition() -> None:
    table, clock, telemetry = StateTable(PredictorConfig(), "float64"), SteppedClock(), Shown()
    behind, without_end = Partition(3, 0.0, Phase.LIVE), Partition(4, 0.0, Phase.LIVE)
    behind.next_offset, behind.commit_offset = 120, 90
    behind.saved_s, behind.snapshot_s = 60.0, 95.0
    rows = table.allocate(2)
    behind.adopt([b"A", b"B"], rows)
    table.last_timestamp_ns[rows] = clock.now_ns() - np.array([2_500_000_000, 9_000_000_000])
    ends = SimpleNamespace(
        joined=True, end_offset={3: 150, 4: -1}.__getitem__, read_to={3: 120, 4: 0}.get
    )
    shown = Gauges(
        cast(Assignment, Held(behind, without_end)),
        table,
        WATCH,
        clock=clock,
        telemetry=telemetry,
        health=WorkerHealth(),
    )
    shown.report(cast(Membership, ends), ready=True)
    assert telemetry.series == {
        (M.SNAPSHOT_AGE_SECONDS, "3"): 40.0,
        (M.SNAPSHOT_AGE_SECONDS, "4"): 100.0,
        (M.LAG_RECORDS, "3"): 30,
        (M.LAG_SECONDS, "3"): pytest.approx(2.5),
    }


class Accelerator:
    """Stands in for a device that tests do not have; the figures are named as JAX names them."""

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_in_use": 3, "peak_bytes_in_use": 5, "bytes_limit": 7, "num_allocs": 9}


def test_memory_is_told_of_accelerators_and_not_of_cpus() -> None:
    assert device_memory(Accelerator()) == {"in_use": 3, "peak": 5, "limit": 7}
    if jax.default_backend() == "cpu":
        assert device_memory(jax.local_devices()[0]) == {}
