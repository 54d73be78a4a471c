"""Tiles filled by activity: rows that stay, rows that move, and the busiest assets alone besides.

`python -m benchmarks.activity [DTYPE]`: 1000 assets, batches as a live worker has them and as one
that is behind has them. Calls are counted, so they are the same on every machine; ticks/s are
ratios of tables stepped in turns in one run.
"""

import os
import sys
import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from benchmarks._kafka import WORKER_CORE
from benchmarks.goals import at_least, at_most, heading, note
from core import AVAILABLE_KERNELS, PredictorConfig
from workers.batching.decisions import Decision, pack_inputs, spread
from workers.compute.rounds import order_by_row, plan_rounds
from workers.compute.state_table import StateTable

CONFIG = PredictorConfig()
ASSETS = 1_000
STREAMS = {"uniform": 0.0, "Zipf(1)": 1.0}
BATCHES = {250: (150, 50), 16_384: (16, 4)}
"""Ticks of a batch (25 ms at 10,000 ticks/s, and a worker that is behind): batches to settle, and
batches that are compared."""


@dataclass
class Side:
    """One of the tables, and what it was seen to take."""

    table: StateTable
    rows: Int64[ndarray, " assets"]
    calls: int = 0
    spent_s: float = 0.0

    def step(self, assets: Int64[ndarray, " ticks"], columns: Float64[ndarray, "in ticks"]) -> None:
        """One batch."""
        before, begun_s = self.table.calls, time.perf_counter()
        rows = self.rows[assets]
        ticks = order_by_row(rows)
        self.table.step(ticks, columns, np.full(assets.size, 10_000_000))
        self.table.sequence[rows] += ticks.rank + 1
        self.spent_s += time.perf_counter() - begun_s
        self.calls += self.table.calls - before

    def forget(self) -> None:
        """Begin to count."""
        self.calls, self.spent_s = 0, 0.0


def main() -> None:
    """Print the table of one dtype."""
    os.sched_setaffinity(0, {WORKER_CORE})
    dtype = "float32" if "float32" in sys.argv[1:] else "float64"
    for name, tail in STREAMS.items():
        for size in BATCHES:
            heading(f"{name}, batches of {size} ticks of {ASSETS} assets; {dtype}")
            compare(tail, size, dtype)


def compare(tail: float, size: int, dtype: str) -> None:
    """The tables on one stream, batch by batch in turns."""
    rng = np.random.default_rng(1)
    rate = rng.permutation(1.0 / np.arange(1, ASSETS + 1) ** tail)
    still, moving = (_side(dtype, by_activity=yes, alone=False) for yes in (False, True))
    apart = _side(dtype, by_activity=True, alone=True)
    apart.table.soloist.prepare()
    settling, counted = BATCHES[size]
    best = 0
    for number in range(settling + counted):
        if number == settling:
            for side in (still, moving, apart):
                side.forget()
        assets = rng.choice(ASSETS, size, p=rate / rate.sum())
        columns = _inputs(rng, size)
        for side in (still, moving, apart):
            side.step(assets, columns)
        best += _calls_at_best(assets, rate) if number >= settling else 0
    ticks = counted * size
    note("calls per 1000 ticks, rows stay", 1e3 * still.calls / ticks)
    note("calls per 1000 ticks, rows have moved", 1e3 * moving.calls / ticks)
    note("calls per 1000 ticks, rows in order of their true activity", 1e3 * best / ticks)
    note("calls per 1000 ticks, the busiest alone besides", 1e3 * apart.calls / ticks)
    at_most("calls over the best", moving.calls / best, 1.1)
    at_least("ticks/s, moved over stayed", still.spent_s / moving.spent_s, 1.5 if tail else 0.9)
    goal = 1.2 if tail else 0.9
    at_least("ticks/s, the busiest alone over moved", moving.spent_s / apart.spent_s, goal)


def _side(dtype: str, *, by_activity: bool, alone: bool) -> Side:
    table = StateTable(CONFIG, dtype, by_activity=by_activity, alone=alone)
    return Side(table, table.allocate(ASSETS))


def _calls_at_best(assets: Int64[ndarray, " ticks"], rate: Float64[ndarray, " assets"]) -> int:
    rank = np.argsort(np.argsort(-rate, kind="stable"))[assets]
    return plan_rounds(order_by_row(rank).rank, rank).tile_of_slot.size


def _inputs(rng: np.random.Generator, size: int) -> Float64[ndarray, "in ticks"]:
    price = 100.0 + 0.1 * rng.normal(size=size)
    stamps = np.full(size, 1_700_000_000_000_000_000)
    decision = Decision(int(stamps[0]), CONFIG.log_sig_depth, int(AVAILABLE_KERNELS))
    return pack_inputs(
        price=price,
        target=price,
        timestamp_ns=stamps,
        elapsed_ns=np.full(size, 10_000_000),
        decisions=spread(decision, size),
        staleness_ttl_ns=CONFIG.staleness_ttl_ns,
    )


if __name__ == "__main__":
    main()
