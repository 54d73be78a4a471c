"""The textbook kernel A against SciPy's Toeplitz solver on explicitly summed covariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_toeplitz

from core import Output, PredictorConfig, compile_step, state_layout
from core.kernels import levinson
from tests.core.scanning import as_input, scan
from tests.core.ticks import drive, packed

LANES = 8


def forecasts(increments: np.ndarray, dtype: str = "float64") -> np.ndarray:
    _, rows = scan(
        levinson.fields(),
        levinson.update,
        as_input(increments, dtype),
        lanes=increments.shape[1],
        dtype=dtype,
    )
    return np.asarray(rows)


def autoregressive(ticks: int, coefficients: list[float], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((ticks, LANES))
    series = np.zeros_like(noise)
    for t in range(ticks):
        past = [series[t - k] if t >= k else 0.0 for k in range(1, len(coefficients) + 1)]
        series[t] = noise[t] + sum(a * x for a, x in zip(coefficients, past, strict=True))
    return series


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 2e-5)])
@pytest.mark.parametrize("order", [1, 2, 6])
def test_the_recursion_solves_the_toeplitz_system(dtype: str, tolerance: float, order: int) -> None:
    rng = np.random.default_rng(order)
    noise = rng.standard_normal((40, LANES))
    covariances = np.array([(noise[k:] * noise[: 40 - k]).sum(axis=0) for k in range(order + 1)])
    got = jax.jit(levinson.durbin_levinson)(jnp.asarray(covariances, dtype))
    for lane in range(LANES):
        column = covariances[:, lane]
        expected = solve_toeplitz(column[:-1], column[1:])
        np.testing.assert_allclose(got[:, lane], expected, atol=tolerance)


@pytest.mark.parametrize("seed", [0, 1])
def test_forecasts_equal_yule_walker_on_all_the_past(seed: int) -> None:
    series = autoregressive(300, [0.5, -0.3], seed)
    series[150] = 40.0
    got = forecasts(series)
    bounded = np.clip(series, -8.0, 8.0)
    f, p = 0.5 ** (1.0 / 1000.0), 6
    for tick in (0, 1, 5, 100, 160, 299):
        # A series tapered by the root of its weights, as the covariances of a finite sample.
        tapered = bounded[: tick + 1] * f ** (np.arange(tick, -1, -1.0) / 2.0)[:, None]
        for lane in range(LANES):
            x = tapered[:, lane]
            c = [float(x[k:] @ x[: max(len(x) - k, 0)]) for k in range(p + 1)]
            a = solve_toeplitz([c[0] + 10.0, *c[1:p]], c[1:])
            past = np.concatenate([np.zeros(p), bounded[: tick + 1, lane]])[: -p - 1 : -1]
            expected = np.clip(a @ past, -4.0, 4.0)
            np.testing.assert_allclose(got[tick, lane], expected, atol=1e-10)


def test_finds_an_autoregression_and_leaves_noise_alone() -> None:
    series = autoregressive(4000, [0.6], 3)
    error = series[2001:] - forecasts(series)[2000:-1]
    assert np.mean(error**2) / np.mean(series[2001:] ** 2) < 0.66  # the best: 1 - 0.36
    noise = np.random.default_rng(4).standard_normal((4000, LANES))
    error = noise[2001:] - forecasts(noise)[2000:-1]
    assert np.mean(error**2) / np.mean(noise[2001:] ** 2) < 1.01


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stays_finite_on_a_perfectly_predictable_series(dtype: str) -> None:
    t = np.arange(20_000.0)[:, None]
    series = np.concatenate([np.ones_like(t), np.cos(np.pi * t), np.sin(0.01 * t)], axis=1)
    got = forecasts(8.0 * series, dtype)
    assert np.isfinite(got).all()
    assert np.abs(got).max() <= 4.0


def test_the_step_takes_it_and_keeps_a_smaller_state() -> None:
    config = PredictorConfig(kernel_a="levinson")
    assert state_layout(config).rows < state_layout(PredictorConfig()).rows
    prices = 100.0 + np.cumsum(autoregressive(1500, [0.6], 5), axis=0)
    prices = np.repeat(prices, 8, axis=1)
    _, out = drive(compile_step(config), np.stack([packed(p) for p in prices]))
    error = prices[601:] - out[600:-1, Output.PREDICTED_PRICE]
    assert np.mean(error**2) / np.mean(np.diff(prices[600:], axis=0) ** 2) < 0.75
