"""Real E-mini S&P trades, where the package that ships them is installed."""

import numpy as np
import pytest

from core import PredictorConfig, holder, increments
from ops.demo.sources import trades_file
from tests.core.scanning import as_input, scan

LANES = 64


def trades() -> np.ndarray:
    """Prices of 500,000 trades (package mlfinpy, `requirements/ticks.txt`)."""
    file = trades_file()
    if file is None:
        pytest.skip("no real trades: pip install --no-deps -r requirements/ticks.txt")
    return np.loadtxt(file, delimiter=",", skiprows=1, usecols=1)


def test_liquid_trades_are_hardly_ever_an_emergency() -> None:
    """In 64 stretches of 7812 trades, each from a fresh state. Goal: at most 1% of ticks."""
    prices = trades()
    stretches = prices[: prices.size // LANES * LANES].reshape(LANES, -1).T
    config = PredictorConfig()

    def update(state, price):  # type: ignore[no-untyped-def]
        new, tick = increments.update(config, state, price)
        own, regularity = holder.update(config, state, tick.increment)
        return new | own, regularity

    fields = increments.fields(config) + holder.fields(config)
    _, got = scan(fields, update, as_input(stretches), lanes=LANES)
    assert got.emergency.mean() <= 0.01
    assert 0.4 < np.median(got.holder_exponent) < 0.6
