"""Where the demonstration's prices come from: real trades where a package ships them, else a walk.

`requirements/ticks.txt` names the packages; nothing of them is copied into this repository.
"""

import csv
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

__all__ = ["PriceSource", "best_source"]

_MAX_PRICES = 400_000


class PriceSource(NamedTuple):
    """A long series of prices of one instrument; assets begin at different places in it."""

    name: str
    prices: Float64[ndarray, " ticks"]


def best_source(seed: int) -> PriceSource:
    """Real E-mini S&P 500 trades (package mlfinpy) if installed, else a seeded random walk."""
    file = _e_mini_file()
    if file is None:
        return PriceSource("a seeded random walk", _walk(seed))
    prices = np.fromiter(_prices(file), np.float64)
    return PriceSource("real E-mini S&P 500 trades (package mlfinpy)", prices)


def _e_mini_file() -> Path | None:
    try:
        files = distribution("mlfinpy").files or []
    except PackageNotFoundError:
        return None
    found = [Path(str(f.locate())) for f in files if f.name == "tick_data.csv"]
    return next((f for f in found if f.is_file()), None)


def _prices(file: Path) -> Iterator[float]:
    with file.open(encoding="utf-8", newline="") as stream:
        for row in islice(csv.DictReader(stream), _MAX_PRICES):
            yield float(row["Price"])


def _walk(seed: int) -> Float64[ndarray, " ticks"]:
    """Trades on a quarter-point grid, volatile in turns, with a jump now and then."""
    rng = np.random.default_rng(seed)
    volatility = np.exp(np.cumsum(rng.standard_normal(_MAX_PRICES)) * 0.002)
    steps = rng.standard_normal(_MAX_PRICES) * 0.15 * np.clip(volatility, 0.3, 4.0)
    steps += (rng.random(_MAX_PRICES) < 2e-4) * rng.standard_normal(_MAX_PRICES) * 6.0
    return np.round((1640.0 + np.cumsum(steps)) * 4.0) / 4.0
