"""The demonstration's ticks: real trades where a package ships them, else a seeded generator.

`requirements/ticks.txt` names the package; nothing of it is copied into this repository.
"""

import csv
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from ops.ticks import TickTable, synthetic_ticks

__all__ = ["demo_ticks", "trades_file"]

_MAX_TRADES = 400_000


def demo_ticks(
    count: int, *, assets: int, seed: int, start_ns: int, interval_ns: int
) -> tuple[str, TickTable]:
    """Ticks and where they come from.

    Real E-mini S&P 500 trades (package mlfinpy) if installed: every asset follows the same
    series from a place of its own. Otherwise `synthetic_ticks`.
    """
    made_up = synthetic_ticks(
        count, assets=assets, seed=seed, start_ns=start_ns, interval_ns=interval_ns
    )
    file = trades_file()
    if file is None:
        return "seeded random walks", made_up
    trades = np.fromiter(_prices(file), np.float64)
    return "real E-mini S&P 500 trades", _follow(trades, made_up)


def _follow(trades: Float64[np.ndarray, " trades"], schedule: TickTable) -> TickTable:
    """The schedule's assets and times with the trades' prices."""
    names = sorted(set(schedule.asset_id))
    number_of = {name: number for number, name in enumerate(names)}
    asset = np.array([number_of[name] for name in schedule.asset_id])
    price = np.empty(len(schedule))
    for number in range(len(names)):
        mine = np.flatnonzero(asset == number)
        begin = number * trades.size // len(names)
        price[mine] = trades[(begin + np.arange(mine.size)) % trades.size]
    ids = [f"ES-{number:03d}" for number in asset.tolist()]
    return TickTable(ids, price, price.copy(), schedule.timestamp_ns)


def trades_file() -> Path | None:
    """E-mini S&P 500 trades of the package mlfinpy, if it is installed."""
    try:
        files = distribution("mlfinpy").files or []
    except PackageNotFoundError:
        return None
    found = [Path(str(f.locate())) for f in files if f.name == "tick_data.csv"]
    return next((f for f in found if f.is_file()), None)


def _prices(file: Path) -> Iterator[float]:
    with file.open(encoding="utf-8", newline="") as stream:
        for row in islice(csv.DictReader(stream), _MAX_TRADES):
            yield float(row["Price"])
