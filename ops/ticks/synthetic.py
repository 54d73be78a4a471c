"""Made-up ticks: the same seed gives the same ticks, whatever is asked for besides."""

import numpy as np

from ops.ticks.table import TickTable

__all__ = ["synthetic_ticks"]

_TICK_VOLATILITY = 2e-4


def synthetic_ticks(
    count: int, *, assets: int, seed: int, start_ns: int, interval_ns: int
) -> TickTable:
    """Geometric random walks, one an asset; assets take turns at random.

    Args:
        count: ticks in total.
        assets: number of assets, named `ASSET-0000` on.
        seed: of numpy's default generator.
        start_ns: timestamp of the first tick.
        interval_ns: mean time between ticks over all assets; gaps are exponential.
    """
    random = np.random.default_rng(seed)
    asset = random.integers(assets, size=count)
    steps = random.normal(0.0, _TICK_VOLATILITY, count)
    gaps_ns = random.exponential(1.0, count) * interval_ns
    log_price = np.empty(count)
    for number in range(assets):
        mine = asset == number
        log_price[mine] = np.log(100.0 + number) + np.cumsum(steps[mine])
    price = np.exp(log_price)
    timestamp_ns = np.int64(start_ns) + np.cumsum(gaps_ns).astype(np.int64)
    names = [f"ASSET-{number:04d}" for number in range(assets)]
    return TickTable([names[number] for number in asset], price, price.copy(), timestamp_ns)
