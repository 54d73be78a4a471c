"""Emergency dumps of a fleet: what is in one, how many there are; that nobody waits for them."""

import threading
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from core import AVAILABLE_KERNELS, Flag, Output
from schemas import SingleObjectFraming, TickCodec
from snapshots import SnapshotScope, StoreError
from snapshots.envelope import unseal
from tests.kafka.feed import ticks_that_turn_rough
from tests.snapshots.memory_store import MemoryStore
from tests.workers.batching.test_pipeline import CONFIG, columns
from tests.workers.emission.test_emitter import results
from tests.workers.telemetry.test_gauges import SteppedClock
from workers import M, MetricDef, NullTelemetry
from workers.batching.decisions import Decision
from workers.batching.pipeline import Pipeline, SteppedBatch
from workers.compute.state_table import StateTable
from workers.config import WorkerConfig
from workers.dump_document import REMEMBERED_RESULTS
from workers.fleet_dumps import FleetDumps, _before
from workers.partition import Partition, Phase

START_NS = 1_700_000_000_000_000_000
SCOPE = SnapshotScope("group", "ticks", 0)


class _Counted(NullTelemetry):
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        assert metric is M.EMERGENCY_DUMPS
        self.outcomes.append(labels["outcome"])


class _Fleet:
    """Two assets of one partition, each rough from the 900th tick on."""

    def __init__(self, store: MemoryStore, **settings: Any) -> None:
        self.clock, self.telemetry = SteppedClock(), _Counted()
        self.table = StateTable(CONFIG, "float64")
        self.partition = Partition(0, 0.0, Phase.LIVE)
        self.pipeline = Pipeline(CONFIG, self.table, TickCodec(SingleObjectFraming()), "ticks")
        config = replace(WorkerConfig("b:1", "group", "w-0", "file:///unused"), **settings)
        self.dumps = FleetDumps(
            config, store, self.table, clock=self.clock, telemetry=self.telemetry
        )
        self.ticks = ticks_that_turn_rough("ES", "a/b €")
        self.prices = self.ticks.price[::2]

    def run(self, size: int) -> list[int]:
        """Step all of it; the offsets at which the mode rose."""
        risen = []
        decision = Decision(START_NS, CONFIG.log_sig_depth, int(AVAILABLE_KERNELS))
        # Nothing happens in the smooth part: its batches may be large.
        bounds = [*range(0, 1_760, 440), *range(1_760, len(self.ticks.asset), size)]
        for first, last in pairwise([*bounds, len(self.ticks.asset)]):
            records = columns(self.ticks, first, last)
            batch = self.pipeline.run(records, {0: self.partition}, lambda: decision)
            risen += _risen(batch)
            self.dumps.look(batch.results, {0: self.partition})
        return risen


def _risen(batch: SteppedBatch) -> list[int]:
    raised = batch.results.outputs[:, Output.RAISED].astype(np.int64) & int(Flag.EMERGENCY_MODE)
    offsets: list[int] = batch.results.source_offset[raised != 0].tolist()
    return offsets


def test_a_dump_holds_the_window_that_led_to_it_and_a_storm_leaves_one() -> None:
    store = MemoryStore()
    fleet = _Fleet(store)
    risen = fleet.run(2)
    assert len(risen) >= 2
    assert fleet.dumps.close(10.0)
    [key] = store.list(SCOPE.dump_prefix)
    assert key == SCOPE.dump_key(risen[0], "ES")
    dump: dict[str, Any] = unseal(store.get(key))
    tick = risen[0] // 2
    np.testing.assert_allclose(
        dump["signal_buffer"], fleet.prices[tick - 127 : tick + 1], rtol=1e-12
    )
    assert (dump["asset_id"], dump["worker"]) == ("ES", "w-0")
    assert (dump["source_topic"], dump["source_offset"]) == ("ticks", risen[0])
    assert dump["emergency_timestamp"] == START_NS + tick * 10**6
    assert dump["holder_exponent"] < CONFIG.holder_threshold
    assert dump["weights"] == [0.0, 0.0, 0.0, 1.0]
    assert len(dump["regime_history"]) == 1
    assert dump["telemetry_snapshot"].keys() >= {"kurtosis", "dgm_entropy"}
    assert set(dump["flags_at_emergency"].values()) <= {True, False}
    assert sorted(fleet.telemetry.outcomes) == ["saved", *["skipped"] * (len(risen) - 1)]


def _rise(fleet: _Fleet) -> None:
    """The mode of asset A0 rises once, in a micro-batch of its own; its dump is waited for."""
    owner = Partition(3, 0.0, Phase.LIVE)
    owner.adopt([b"A0"], fleet.table.allocate(1))
    fleet.dumps.look(results((Output.RAISED, Flag.EMERGENCY_MODE)), {3: owner})
    pending = fleet.dumps._pending
    assert pending is not None
    pending.result(10.0)


def test_between_two_dumps_of_a_worker_lies_the_interval() -> None:
    fleet = _Fleet(MemoryStore(), emergency_dump_interval_s=30.0)
    for wait_s in (0.0, 29.9, 0.1):
        fleet.clock.now_s += wait_s
        _rise(fleet)
    assert fleet.telemetry.outcomes == ["saved", "skipped", "saved"]
    assert fleet.dumps.close(10.0)


def test_a_regime_history_is_of_the_newest_results_of_the_asset() -> None:
    count = 2 * REMEMBERED_RESULTS + 4
    columns = results(*[(Output.RAISED, Flag(0))] * count)
    columns = replace(columns, asset_id=[b"A", b"B"] * (count // 2))
    assert _before(columns, count - 2) == list(range(0, count, 2))[-REMEMBERED_RESULTS:]


def test_none_is_written_where_none_is_wanted() -> None:
    store = MemoryStore()
    fleet = _Fleet(store, emergency_dump_interval_s=0.0)
    assert fleet.run(256)
    assert fleet.dumps.close(1.0)
    assert store.list("") == []
    assert fleet.telemetry.outcomes == []


def test_the_newest_hundred_of_a_partition_are_kept() -> None:
    store = MemoryStore()
    for offset in range(-150, -40):
        store.put(SCOPE.dump_key(offset + 150, "old"), b"x")
    fleet = _Fleet(store)
    risen = fleet.run(256)
    assert fleet.dumps.close(10.0)
    keys = store.list(SCOPE.dump_prefix)
    assert len(keys) == 100
    assert keys[-1] == SCOPE.dump_key(risen[0], "ES")
    assert keys[0] == SCOPE.dump_key(11, "old")


@pytest.mark.parametrize("hangs", [False, True])
def test_a_store_that_fails_or_hangs_holds_nobody_up(*, hangs: bool) -> None:
    store, released = MemoryStore(), threading.Event()

    def before(_action: str, _key: str) -> None:
        if hangs:
            released.wait(30)
        raise StoreError("away")

    store.before = before
    fleet = _Fleet(store)
    begun_s = time.monotonic()
    fleet.run(256)
    assert fleet.dumps.close(0.2) is not hangs
    assert time.monotonic() - begun_s < 25
    released.set()
    assert fleet.dumps.close(10.0)
    assert fleet.telemetry.outcomes.count("failed") == 1
