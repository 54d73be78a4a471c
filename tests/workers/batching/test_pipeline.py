"""The bytes a batch publishes and leaves behind do not depend on how the ticks were cut and laid.

No Kafka: records are columns. What differs between two runs is the batch size, the lanes the
assets happen to have, and the neighbours in the tile; what must not differ is a single bit.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from core import AVAILABLE_KERNELS, PredictorConfig
from schemas import EVENT_TIME, ResultCodec, SingleObjectFraming, TickCodec
from tests.kafka.feed import Ticks, random_ticks
from workers.batching.decisions import Decision
from workers.batching.pipeline import Pipeline
from workers.batching.records import RecordBatch
from workers.compute.state_table import StateTable
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition, Phase

CONFIG = PredictorConfig()
FRAMING = SingleObjectFraming()
DECISION = Decision(1_700_000_001_000_000_000, CONFIG.log_sig_depth, int(AVAILABLE_KERNELS))


def columns(ticks: Ticks, first: int, last: int) -> RecordBatch:
    """Ticks `first` to `last` as records of partition 0 whose offsets are their positions."""
    part = Ticks(ticks.asset[first:last], ticks.price[first:last], ticks.timestamp_ns[first:last])
    return RecordBatch(
        messages=[None] * len(part.asset),  # type: ignore[list-item]  # only dead letters look
        partition=np.zeros(len(part.asset), dtype=np.int64),
        offset=np.arange(first, last, dtype=np.int64),
        keys=[asset.encode() for asset in part.asset],
        values=list(part.values()),
    )


class Run:
    """One pipeline over its own state table, fed in batches."""

    def __init__(self, dtype: str = "float64", *, neighbours: Sequence[str] = ()) -> None:
        self.table = StateTable(CONFIG, dtype)
        self.partition = Partition(0, 0.0, Phase.LIVE)
        self._pipeline = Pipeline(CONFIG, self.table, TickCodec(FRAMING), "ticks")
        self._codec = ResultCodec(FRAMING)
        self.values: list[bytes] = []
        if neighbours:
            # Strangers take the first lanes of the tile, and their state is as bad as can be.
            rows = self.table.allocate(len(neighbours))
            self.table.release(rows)
            poison = np.full((len(neighbours), self.table.state_rows), np.nan, dtype=dtype)
            zeros = np.zeros(len(neighbours), dtype=np.int64)
            self.table.restore(poison, zeros, zeros)

    def feed(self, ticks: Ticks, size: int, decision: Decision = DECISION) -> None:
        for first in range(0, len(ticks.asset), size):
            records = columns(ticks, first, min(first + size, len(ticks.asset)))
            batch = self._pipeline.run(records, {0: self.partition}, lambda: decision)
            self.values += self._codec.encode_batch(batch.results)

    def states(self) -> dict[bytes, bytes]:
        rows = self.partition.row_array()
        states = self.table.copy(rows)
        return {
            asset: states[i].tobytes() + self.table.sequence[rows[i]].tobytes()
            for i, asset in enumerate(self.partition.assets)
        }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_batches_of_any_size_give_identical_bytes(dtype: str) -> None:
    ticks = random_ticks(3_000, 90, seed=5)
    whole = Run(dtype)
    whole.feed(ticks, len(ticks.asset))
    assert len(whole.values) == len(ticks.asset)
    for size in (7, 64, 1_000):
        cut = Run(dtype)
        cut.feed(ticks, size)
        assert cut.values == whole.values, size
        assert cut.states() == whole.states(), size


def test_one_tick_at_a_time_gives_identical_bytes() -> None:
    ticks = random_ticks(400, 70, seed=6)
    whole, single = Run(), Run()
    whole.feed(ticks, len(ticks.asset))
    single.feed(ticks, 1)
    assert single.values == whole.values
    assert single.states() == whole.states()


def test_other_lanes_beside_poisoned_neighbours_give_identical_bytes() -> None:
    ticks = random_ticks(2_000, 40, seed=7)
    alone = Run()
    alone.feed(ticks, 256)
    crowded = Run(neighbours=[f"n{i}" for i in range(37)])
    crowded.feed(ticks, 100)
    assert crowded.values == alone.values
    assert crowded.states() == alone.states()


def test_a_silent_replay_under_the_journals_decisions_leaves_the_same_state() -> None:
    ticks = random_ticks(1_000, 30, seed=8)
    live = Run()
    late = Decision(DECISION.processing_time_ns + 10**12, DECISION.depth, 1)
    live.feed(ticks, 1_000, late)
    again = Run()
    again.partition.log = DecisionLog.warm_up(0, 999, late)
    again.partition.emitted_to = 999
    again.feed(ticks, 64)
    assert again.values == []
    assert again.states() == live.states()


def test_a_batch_across_the_end_of_a_replay_answers_only_what_is_new() -> None:
    ticks = random_ticks(1_000, 30, seed=9)
    live, again = Run(), Run()
    live.feed(ticks, 1_000)
    again.partition.log = DecisionLog.warm_up(0, 699, DECISION)
    again.partition.emitted_to = 699
    again.feed(ticks, 1_000)
    assert again.values == live.values[700:]
    assert again.states() == live.states()


def test_event_time_makes_every_tick_its_own_clock() -> None:
    ticks = random_ticks(50, 3, seed=1)
    run = Run()
    run.feed(ticks, 50, Decision(EVENT_TIME, DECISION.depth, DECISION.kernel_mask))
    codec = ResultCodec(FRAMING)
    for value, stamp in zip(run.values, ticks.timestamp_ns.tolist(), strict=True):
        result = codec.decode(value)
        assert result["processing_time_ns"] == result["timestamp_ns"] == stamp
        assert not result["degraded_inference_mode"]


def test_sequence_counts_an_assets_results_without_a_gap() -> None:
    ticks = random_ticks(900, 25, seed=2)
    run = Run()
    run.feed(ticks, 100)
    codec = ResultCodec(FRAMING)
    seen: dict[str, int] = {}
    for value in run.values:
        result = codec.decode(value)
        assert result["sequence"] == seen.get(result["asset_id"], 0) + 1
        seen[result["asset_id"]] = result["sequence"]


def test_released_rows_are_fresh_for_the_next_asset() -> None:
    run = Run()
    run.feed(random_ticks(500, 20, seed=3), 100)
    fresh = StateTable(CONFIG, "float64")
    run.table.release(run.partition.row_array())
    rows = run.table.allocate(20)
    assert run.table.copy(rows).tobytes() == fresh.copy(fresh.allocate(20)).tobytes()
    assert (run.table.sequence[rows] == 0).all() and run.table.dirty[rows].all()
