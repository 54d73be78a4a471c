"""The benchmark's own arithmetic: the Diebold-Mariano statistic, and what counts as skill."""

import numpy as np
import pytest

from benchmarks.series import SYNTHETIC
from benchmarks.skill import diebold_mariano, measure
from core import Output


def newey_west_mean(difference: np.ndarray, lags: int) -> float:
    """Mean over its HAC standard error, as a double sum over all pairs of ticks."""
    n = len(difference)
    centred = difference - difference.mean()
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    weight = np.clip(1.0 - lag / (lags + 1.0), 0.0, None)
    variance = (weight * np.outer(centred, centred)).sum() / n**2
    return float(difference.mean() / np.sqrt(variance))


@pytest.mark.parametrize("lags", [0, 1, 10])
def test_diebold_mariano_is_the_double_sum(lags: int) -> None:
    rng = np.random.default_rng(lags)
    difference = np.convolve(rng.normal(0.05, 1.0, 500), [1.0, 0.5, 0.25], "valid")
    got = diebold_mariano(difference, lags=lags)
    assert got == pytest.approx(newey_west_mean(difference, lags), rel=1e-10)


def test_diebold_mariano_rejects_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    statistics = [diebold_mariano(rng.normal(size=4000)) for _ in range(2000)]
    assert np.std(statistics) == pytest.approx(1.0, abs=0.06)
    assert np.mean(np.array(statistics) < -1.645) == pytest.approx(0.05, abs=0.015)


def test_a_perfect_forecast_has_no_error_and_persistence_has_ratio_one() -> None:
    prices = np.cumsum(np.random.default_rng(2).normal(size=(900, 3)), axis=0)
    outputs = np.full((900, len(Output), 3), np.nan)
    outputs[:, Output.FLAGS] = 0.0
    outputs[:, Output.PREDICTED_PRICE] = prices
    outputs[:, Output.FORECAST_A] = np.diff(prices, axis=0, append=0.0)
    skill = measure(prices, outputs)
    assert skill.mixture == pytest.approx(1.0)
    assert skill.kernels == {"A": pytest.approx(0.0, abs=1e-20)}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_series_are_seeded_finite_and_of_the_asked_shape(name: str) -> None:
    first, again = (SYNTHETIC[name](300, 4, np.random.default_rng(5)) for _ in range(2))
    assert first.shape == (300, 4)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
