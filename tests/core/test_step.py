"""The whole step: skill against persistence, regime changes, emergencies, units, z-scores."""

import functools

import numpy as np
import pytest

from core import (
    AVAILABLE_KERNELS,
    Flag,
    Kernel,
    Mode,
    Output,
    PredictorConfig,
    TileStep,
    compile_step,
)
from tests.core.ticks import drive, packed, random_walks

TICKS = 2500
BURN_IN = 500


@functools.cache
def step() -> TileStep:
    return compile_step(PredictorConfig(), "float64")


def outputs_of(prices: np.ndarray) -> np.ndarray:
    return drive(step(), np.stack([packed(p) for p in prices]))[1]


def autoregressive(noise: np.ndarray, coefficient: float) -> np.ndarray:
    path = np.zeros_like(noise)
    for t in range(1, len(noise)):
        path[t] = coefficient * path[t - 1] + noise[t]
    return path


@functools.cache
def skill() -> dict[str, float]:
    """Squared error over persistence's, eight lanes a process, accepted ticks only."""
    rng = np.random.default_rng(11)
    noise = rng.normal(size=(8, TICKS, 8))
    heavy = rng.standard_t(4, size=(TICKS, 8))
    bounce = np.cumsum(noise[6], axis=0) + np.sign(rng.normal(size=(TICKS, 8)))
    processes = {
        "walk": np.cumsum(noise[0], axis=0),
        "heavy walk": np.cumsum(heavy, axis=0),
        "AR increments": np.cumsum(autoregressive(noise[1], 0.4), axis=0),
        "OU slow": autoregressive(noise[2], 0.9),
        "OU fast": autoregressive(noise[3], 0.5),
        "trend": np.cumsum(0.5 + noise[4], axis=0),
        "sine": 10.0 * np.sin(np.arange(TICKS) * 0.0628)[:, None] + 0.3 * noise[5],
        "bounce": bounce,
    }
    prices = 100.0 + np.concatenate(list(processes.values()), axis=1)
    out = outputs_of(prices)
    accepted = (out[:, Output.FLAGS].astype(int) & int(Flag.DOMAIN_ERROR)) == 0
    pairs = accepted[1:] & accepted[:-1]
    pairs[:BURN_IN] = False
    error = np.where(pairs, prices[1:] - out[:-1, Output.PREDICTED_PRICE], 0.0) ** 2
    naive = np.where(pairs, np.diff(prices, axis=0), 0.0) ** 2
    return {
        name: float(error[:, 8 * i : 8 * i + 8].sum() / naive[:, 8 * i : 8 * i + 8].sum())
        for i, name in enumerate(processes)
    }


@pytest.mark.parametrize("name", ["walk", "heavy walk"])
def test_does_no_harm_where_nothing_can_be_forecast(name: str) -> None:
    assert skill()[name] <= 1.003


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("AR increments", 0.90),  # the best possible is 1 - 0.4² = 0.84
        ("OU slow", 0.98),  # 0.95
        ("OU fast", 0.80),  # 0.75
        ("trend", 0.85),  # 0.80
        ("sine", 0.60),
        ("bounce", 0.92),
    ],
)
def test_forecasts_what_can_be_forecast(name: str, bound: float) -> None:
    assert skill()[name] < bound


def test_volatility_times_three_is_a_regime_change_within_few_ticks() -> None:
    noise = np.random.default_rng(0).normal(size=(1300, 64))
    noise[800:] *= 3.0
    out = outputs_of(100.0 + np.cumsum(noise, axis=0))
    alarm = (out[:, Output.INSTANT].astype(int) & int(Flag.REGIME_CHANGE_DETECTED)) > 0
    assert alarm[800:830].any(axis=0).mean() > 0.95
    assert alarm[800:1300].sum(axis=0).mean() <= 1.5
    # False alarms before: one in 400 ticks or fewer.
    assert alarm[:800].mean() < 1.0 / 400.0
    for lane in range(64):
        at = 800 + int(np.argmax(alarm[800:, lane]))
        if alarm[at, lane]:
            weights = out[at, Output.WEIGHT_A : Output.WEIGHT_D + 1, lane]
            running = np.array([kernel in AVAILABLE_KERNELS for kernel in Kernel])
            np.testing.assert_allclose(weights, running / running.sum(), rtol=1e-15)
            # In grace, so at least robust; a rough patch may make it an emergency.
            assert out[at + 1, Output.MODE, lane] >= Mode.ROBUST


def test_results_do_not_depend_on_the_unit_of_the_price() -> None:
    prices = random_walks(600, seed=8)
    base = outputs_of(prices)
    for unit in (2.0**-20, 2.0**20):
        scaled = outputs_of(prices * unit)
        unitless = [
            Output.PREDICTED_NEXT,
            Output.HOLDER_EXPONENT,
            Output.KURTOSIS,
            Output.CUSUM_DRIFT,
            Output.WEIGHT_A,
            Output.MODE,
            Output.FLAGS,
        ]
        np.testing.assert_allclose(scaled[:, unitless], base[:, unitless], rtol=1e-6, atol=1e-9)
        for row in (Output.PREDICTED_PRICE, Output.SCALE, Output.FORECAST_A):
            np.testing.assert_allclose(scaled[:, row] / unit, base[:, row], rtol=1e-6, atol=1e-9)


def test_a_feed_in_cents_is_forecast_as_the_same_in_dollars() -> None:
    """Prices of one cent's grid that stand still for longer than the window, time and again.

    Hundredths are no binary fractions, so everything is rounded otherwise: what rounding leaves of
    the spread of equal levels must not be learned from, nor decide what is a jump on the grid.
    """
    rng = np.random.default_rng(2)
    moves = rng.integers(-4, 6, (1500, 64))
    for lane in range(64):
        begin = 0
        while begin < len(moves):
            begin += 60 + int(rng.integers(0, 40))
            moves[begin : begin + int(rng.integers(130, 260)), lane] = 0
            begin += 260
    cents = 1000.0 + np.cumsum(moves, axis=0).clip(-900)
    in_cents, in_dollars = outputs_of(cents), outputs_of(np.round(cents / 100.0, 2))
    for row in (Output.PREDICTED_PRICE, *range(Output.FORECAST_A, Output.FORECAST_D + 1)):
        gap = np.nan_to_num(100.0 * in_dollars[:, row] - in_cents[:, row])
        assert np.abs(gap).max() < 1e-6, row
    for row in (Output.CUSUM_DRIFT, Output.KURTOSIS, Output.WEIGHT_A, Output.FLAGS):
        np.testing.assert_allclose(in_dollars[:, row], in_cents[:, row], rtol=1e-6, atol=1e-6)


def test_z_scores_are_of_the_window_that_includes_the_newest_level() -> None:
    prices = random_walks(300, seed=6)
    out = outputs_of(prices)
    for t in (0, 1, 40, 127, 128, 299):
        window = prices[max(0, t - 127) : t + 1]
        np.testing.assert_allclose(out[t, Output.LOCATION], window.mean(axis=0), rtol=1e-12)
        if t:
            np.testing.assert_allclose(out[t, Output.SCALE], window.std(axis=0), rtol=1e-9)
        z = (out[t, Output.PREDICTED_PRICE] - out[t, Output.LOCATION]) / out[t, Output.SCALE]
        np.testing.assert_allclose(out[t, Output.PREDICTED_NEXT], z, rtol=1e-9, atol=1e-9)


def test_forecast_is_the_weighted_sum_of_the_kernels() -> None:
    prices = 100.0 + autoregressive(np.random.default_rng(7).normal(size=(900, 64)), 0.5)
    out = outputs_of(prices)
    weights = out[:, Output.WEIGHT_A : Output.WEIGHT_D + 1]
    kernels = np.nan_to_num(out[:, Output.FORECAST_A : Output.FORECAST_D + 1])
    mixed = prices + (weights * kernels).sum(axis=1)
    np.testing.assert_allclose(out[:, Output.PREDICTED_PRICE], mixed, rtol=1e-12)
    assert np.abs(kernels[500:, 0]).mean() > 0.1


def test_constant_prices_are_harmless() -> None:
    out = outputs_of(np.full((300, 64), 42.0))
    finite = list(Output)
    assert np.isfinite(out[:, finite]).all()
    assert np.all(out[:, Output.PREDICTED_PRICE] == 42.0)
