"""Replay speed, as ratios taken in one run; no broker.

`python -m benchmarks.backtest [--ticks 400000] [--long 16000000] [--single 1000000]
[--dtype float64]`
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, cast

import numpy as np
import psutil
import pyarrow as pa
from pyarrow import parquet

from benchmarks._at_once import seconds_at_once
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
    """The state table alone, on inputs packed beforehand, in batches as large as the replay's.

    Elapsed times and sequence numbers are the replay's too: by them networks train, a sixth of the
    step's time, and they train together where all assets are as old as each other.
    """
    table = StateTable(config, dtype)
    rows_of = dict(zip(sorted(set(ticks.asset)), table.allocate(ASSETS), strict=True))
    decision = full_decision(config)
    whole = order_by_row(np.array([rows_of[asset] for asset in ticks.asset]))
    elapsed_ns = ticks.timestamp_ns - whole.previous(ticks.timestamp_ns, ticks.timestamp_ns)
    batches = []
    for first in range(0, len(ticks.asset), BATCH):
        part = slice(first, first + BATCH)
        columns = pack_inputs(
            price=ticks.price[part],
            target=ticks.price[part],
            timestamp_ns=ticks.timestamp_ns[part],
            elapsed_ns=elapsed_ns[part],
            decisions=spread(decision, len(ticks.asset[part])),
            staleness_ttl_ns=config.staleness_ttl_ns,
        )
        order = order_by_row(whole.rows[part])
        batches.append((order, columns, elapsed_ns[part], whole.rank[part]))

    def step() -> None:
        for order, columns, elapsed, rank in batches:
            table.step(order, columns, elapsed)
            table.sequence[order.rows] = rank + 1

    return rate(step, len(ticks.asset))


def table_of(ticks: Ticks) -> pa.Table:
    columns = {"asset_id": ticks.asset, "price": ticks.price, "timestamp_ns": ticks.timestamp_ns}
    return pa.table(columns)


def many_assets(config: PredictorConfig, dtype: str, count: int, folder: Path) -> None:
    """Parquet in, Parquet out, against the bare step; and how memory grows on the way."""
    ticks = random_ticks(count, ASSETS, seed=1)
    parquet.write_table(table_of(ticks), folder / "ticks.parquet")
    process, resident = psutil.Process(), []
    plan = planned(config, dtype, folder / "ticks.parquet", folder / "run")

    def watched() -> None:
        run_backtest(plan, progress=lambda *_: resident.append(process.memory_info().rss / MIB))

    with on_one_core():
        bare = bare_step(config, dtype, ticks)
    whole = rate(watched, count)
    with on_one_core():
        again = bare_step(config, dtype, ticks)
        narrow = rate(lambda: run_backtest(replace(plan, out=folder / "narrow")), count)
    mean = 0.5 * (bare + again)
    at_least(f"{ASSETS} assets, Parquet to Parquet, over a core's bare step", whole / mean, 0.9)
    note("  the same, held on one core", narrow / mean)
    note("  replay, ticks/s", whole)
    note("  held on one core, ticks/s", narrow)
    note("  bare step before, one core, ticks/s", bare)
    note("  bare step after, one core, ticks/s", again)
    half = len(resident) // 2
    at_most("MiB resident more at the end than half-way", resident[-1] - resident[half], 20.0)
    note("  report, ticks/s", rate(lambda: write_report(plan.out), count))


def two_processes(config: PredictorConfig, dtype: str, count: int, folder: Path) -> None:
    """One file by one process on one core, and by two on two; two starts take seconds, so the file
    is a long one. Beside it, two runs that share nothing.
    """
    ticks = table_of(random_ticks(count, ASSETS, seed=5))
    parquet.write_table(ticks, folder / "long.parquet")
    plan = planned(config, dtype, folder / "long.parquet", folder / "by-1")
    with on_one_core():
        one = rate(partial(run_in_processes, plan, 1), count)
    free = rate(partial(run_in_processes, replace(plan, out=folder / "free"), 1), count)
    two = rate(partial(run_in_processes, replace(plan, out=folder / "by-2"), 2), count)
    at_least(f"two processes over one on one core, {count:,} ticks", two / one, 1.8)
    note("  over one that has both cores", two / free)
    halves = []
    for number in range(2):
        part = folder / f"half-{number}.parquet"
        parquet.write_table(ticks.slice(number * count // 2, count // 2), part)
        halves.append(planned(config, dtype, part, folder / f"half-{number}"))
    apart = count / seconds_at_once(halves, sorted(os.sched_getaffinity(0))[:2])
    note("  two warm runs of half the ticks that share nothing, over one", apart / one)
    note("  one on one core, ticks/s", one)
    note("  one, ticks/s", free)
    note("  two, ticks/s", two)


def planned(config: PredictorConfig, dtype: str, file: Path, out: Path) -> RunPlan:
    """A file stepped at event time."""
    return RunPlan(FileSource(file, Layout()), config, dtype, EventTime(config), out)


@contextmanager
def on_one_core() -> Iterator[None]:
    """This thread, and those that it begins."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {WORKER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


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
    parser.add_argument("--long", type=int, default=16_000_000, help="ticks for two processes")
    parser.add_argument("--single", type=int, default=1_000_000)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    options = parser.parse_args()
    configure_logging("ERROR")  # what is found belongs to the table, not between its lines
    keep_executables()
    config, dtype = PredictorConfig(), cast(Dtype, options.dtype)
    with on_one_core():  # on which the compiler's own threads stay
        backtest(table_of(random_ticks(5_000, ASSETS, seed=3)), config=config, dtype=dtype)
    heading(f"{options.ticks:,} ticks of {ASSETS} assets; {options.single:,} of one; {dtype}")
    with tempfile.TemporaryDirectory(prefix="tickfleet-bench-") as folder:
        many_assets(config, dtype, options.ticks, Path(folder))
        two_processes(config, dtype, options.long, Path(folder))
    with on_one_core():
        one_asset(config, dtype, options.single)


if __name__ == "__main__":
    main()
