"""Ticks/s and skill against persistence of a replay of one asset, beside loops over libraries.

`python -m benchmarks.replay_peers [--ticks 20000] [--dtype float64]`, on one core. The series has
moves of autocorrelation 0.4: there is something to forecast. Each forecast is judged by the next
price from tick 1,000 on.
"""

import argparse
import os
import time
from typing import cast

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.signal import lfilter

from benchmarks._kafka import WORKER_CORE
from benchmarks._library_peers import PEERS
from benchmarks.backtest import Dtype, table_of
from benchmarks.goals import heading, note
from core import PredictorConfig
from ops.compile_cache import keep_executables
from ops.logs import configure_logging
from tests.kafka.feed import Ticks
from workers.replay import backtest

JUDGED_FROM = 1_000


def correlated_ticks(count: int) -> Ticks:
    """One asset whose moves have an autocorrelation of 0.4."""
    noise = np.random.default_rng(4).standard_normal(count)
    price = 1_000.0 + 0.1 * np.cumsum(lfilter([1.0], [1.0, -0.4], noise))
    stamps = 1_700_000_000_000_000_000 + 10_000_000 * np.arange(count)
    return Ticks(["A"] * count, price, stamps)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=20_000)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    options = parser.parse_args()
    os.sched_setaffinity(0, {WORKER_CORE})
    configure_logging("ERROR")  # what is found belongs to the table, not between its lines
    keep_executables()
    config, dtype = PredictorConfig(), cast(Dtype, options.dtype)
    ticks = correlated_ticks(options.ticks)

    def ours(_price: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        made = backtest(table_of(ticks), config=config, dtype=dtype)["predicted_price"]
        return np.asarray(made.to_numpy(), np.float64)

    backtest(table_of(correlated_ticks(1_000)), config=config, dtype=dtype)  # warm
    heading(f"{options.ticks:,} ticks of one asset, moves of autocorrelation 0.4; {dtype}")
    base = np.square(np.diff(ticks.price))[JUDGED_FROM:]
    for name, forecast in {"tickfleet": ours, **PEERS}.items():
        begun_s = time.perf_counter()
        made = forecast(ticks.price)
        note(f"{name}, ticks/s", options.ticks / (time.perf_counter() - begun_s))
        error = (ticks.price[1:] - made[:-1])[JUDGED_FROM:]
        note("  skill against persistence", 1.0 - np.square(error).sum() / base.sum())


if __name__ == "__main__":
    main()
