"""Replay speed, as ratios taken in one run, on one core where not said otherwise; no broker.

`python -m benchmarks.backtest [--ticks 400000] [--long 2000000] [--single 1000000]
[--dtype float64]`
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, cast

import numpy as np
import psutil
import pyarrow as pa
from pyarrow import parquet

from benchmarks._kafka import WORKER_CORE
from benchmarks.goals import at_least, at_most, heading, note
from core import MarketObservation, PredictorConfig, compile_run
from ops.compile_cache import keep_executables
from ops.logs import configure_logging
from ops.report import write_report
from tests.kafka.feed import Ticks, random_ticks
from workers import UniversalPredictor
from workers.batching.decisions import full_decision, pack_inputs, spread
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable
from workers.replay import (
    EventTime,
    FileSource,
    Layout,
    RunPlan,
    backtest,
    run_backtest,
    run_in_processes,
)
from workers.replay.gather import batch_rows

ASSETS = 1_000
BATCH = batch_rows(ASSETS)
MIB = 1 << 20

Dtype = Literal["float64", "float32"]


def rate(act: Callable[[], object], ticks: int) -> float:
    """Ticks per second of one call."""
    begun_s = time.perf_counter()
    act()
    return ticks / (time.perf_counter() - begun_s)


def bare_step(config: PredictorConfig, dtype: str, ticks: Ticks) -> float:
    """The state table alone, on inputs packed beforehand, in batches as large as the replay's."""
    table = StateTable(config, dtype)
    rows_of = dict(zip(sorted(set(ticks.asset)), table.allocate(ASSETS), strict=True))
    decision = full_decision(config)
    batches = []
    for first in range(0, len(ticks.asset), BATCH):
        part = slice(first, first + BATCH)
        count = len(ticks.asset[part])
        batches.append(
            (
                order_by_row(np.array([rows_of[asset] for asset in ticks.asset[part]])),
                pack_inputs(
                    price=ticks.price[part],
                    target=ticks.price[part],
                    timestamp_ns=ticks.timestamp_ns[part],
                    elapsed_ns=np.full(count, 1_000_000),
                    decisions=spread(decision, count),
                    staleness_ttl_ns=config.staleness_ttl_ns,
                ),
            )
        )

    def step() -> None:
        for order, columns in batches:
            table.step(order, columns, np.full(order.rows.size, 1_000_000))

    return rate(step, len(ticks.asset))


def table_of(ticks: Ticks) -> pa.Table:
    columns = {"asset_id": ticks.asset, "price": ticks.price, "timestamp_ns": ticks.timestamp_ns}
    return pa.table(columns)


def many_assets(config: PredictorConfig, dtype: str, count: int, folder: Path) -> None:
    """Parquet in, Parquet out, against the bare step; and how memory grows on the way."""
    ticks = random_ticks(count, ASSETS, seed=1)
    parquet.write_table(table_of(ticks), folder / "ticks.parquet")
    process, resident = psutil.Process(), []
    plan = RunPlan(
        FileSource(folder / "ticks.parquet", Layout()),
        config,
        dtype,
        EventTime(config),
        folder / "run",
    )

    def watched() -> None:
        run_backtest(plan, progress=lambda *_: resident.append(process.memory_info().rss / MIB))

    bare = bare_step(config, dtype, ticks)
    whole = rate(watched, count)
    again = bare_step(config, dtype, ticks)
    ratio = whole / (0.5 * (bare + again))
    at_least(f"{ASSETS} assets, Parquet to Parquet, over the bare step", ratio, 0.9)
    note("  replay, ticks/s", whole)
    note("  bare step before, ticks/s", bare)
    note("  bare step after, ticks/s", again)
    half = len(resident) // 2
    at_most("MiB resident more at the end than half-way", resident[-1] - resident[half], 20.0)
    note("  report, ticks/s", rate(lambda: write_report(plan.out), count))


def two_processes(config: PredictorConfig, dtype: str, count: int, folder: Path) -> None:
    """One file by one process and by two; a start takes seconds, so the file is a long one."""
    parquet.write_table(table_of(random_ticks(count, ASSETS, seed=5)), folder / "long.parquet")
    source = FileSource(folder / "long.parquet", Layout())
    rates = []
    for processes in (1, 2):
        out = folder / f"by-{processes}"
        plan = RunPlan(source, config, dtype, EventTime(config), out)
        rates.append(rate(partial(run_in_processes, plan, processes), count))
    at_least(f"two processes over one, {count:,} ticks", rates[1] / rates[0], 1.8)
    note("  one, ticks/s", rates[0])
    note("  two, ticks/s", rates[1])


def one_asset(config: PredictorConfig, dtype: Dtype, count: int) -> None:
    """A long history of one asset, against a loop over `UniversalPredictor.step`.

    Both find their programs at hand: the predictor's own are compiled when it is made.
    """
    ticks = random_ticks(count, 1, seed=2)
    compile_run(config, dtype)
    replayed = rate(lambda: backtest(table_of(ticks), config=config, dtype=dtype), count)
    # Nobody is told of the alerts: of a made-up walk they mean nothing, and most are CRITICAL.
    predictor = UniversalPredictor(config, dtype=dtype, on_alert=lambda _alert: None)
    some = min(count, 5_000)

    def loop() -> None:
        for i in range(some):
            price = float(ticks.price[i])
            predictor.step(MarketObservation(price, price, int(ticks.timestamp_ns[i])))

    loop_rate = rate(loop, some)
    predictor.graceful_shutdown()
    at_least("one asset, over a loop of UniversalPredictor.step", replayed / loop_rate, 10.0)
    note("  replay, ticks/s", replayed)
    note("  loop, ticks/s", loop_rate)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=400_000)
    parser.add_argument("--long", type=int, default=2_000_000, help="ticks for two processes")
    parser.add_argument("--single", type=int, default=1_000_000)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    options = parser.parse_args()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {WORKER_CORE})
    configure_logging("ERROR")  # what is found belongs to the table, not between its lines
    keep_executables()
    config, dtype = PredictorConfig(), cast(Dtype, options.dtype)
    backtest(table_of(random_ticks(5_000, ASSETS, seed=3)), config=config, dtype=dtype)  # warm
    heading(f"{options.ticks:,} ticks of {ASSETS} assets; {options.single:,} of one; {dtype}")
    with tempfile.TemporaryDirectory(prefix="tickfleet-bench-") as folder:
        many_assets(config, dtype, options.ticks, Path(folder))
        os.sched_setaffinity(0, cores)
        two_processes(config, dtype, options.long, Path(folder))
        os.sched_setaffinity(0, {WORKER_CORE})
    one_asset(config, dtype, options.single)


if __name__ == "__main__":
    main()
