"""The online drift against a batch recomputation from all the past, and its rates."""

import jax.numpy as jnp
import numpy as np
import pytest

from core.kernels.galerkin.drift import KNOTS, drift_fields, learn_drift, read_drift
from tests.core.kernels.galerkin.crank_nicolson import conditional_mean
from tests.core.kernels.galerkin.tracking import Path
from tests.core.scanning import as_input, scan

FIELDS = drift_fields()


def fitted(x: np.ndarray, y: np.ndarray, dtype: str = "float64") -> dict[str, np.ndarray]:
    """State after the pairs [ticks, lanes]."""

    def update(state, pair):  # type: ignore[no-untyped-def]
        x, y = pair
        return learn_drift(state, x, y, jnp.full(x.shape, True)), x

    inputs = as_input(x, dtype), as_input(y, dtype)
    return scan(FIELDS, update, inputs, lanes=x.shape[1], dtype=dtype)[0]


def as_state(state: dict[str, np.ndarray]) -> dict[str, jnp.ndarray]:
    return {name: jnp.asarray(value) for name, value in state.items()}


def line_of(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Weighted ridge regression by its normal equations."""
    w = 0.5 ** (np.arange(len(x) - 1, -1, -1.0) / 500.0)
    mean_x, mean_y = (w * x).sum() / (w.sum() + 20.0), (w * y).sum() / (w.sum() + 20.0)
    cross = (w * x * y).sum() - (w * x).sum() * mean_y
    slope = cross / ((w * x * x).sum() - (w * x).sum() * mean_x + 20.0)
    slope = float(np.clip(slope, -0.95, 0.2))
    return mean_y - slope * mean_x, slope


def closeness(x: float) -> np.ndarray:
    weight = np.exp(-0.5 * (x - np.array(KNOTS)) ** 2)
    return np.asarray(weight / weight.sum())


def test_sums_are_those_of_a_loop_over_the_past() -> None:
    rng = np.random.default_rng(2)
    x = np.clip(rng.normal(size=(300, 3)), -3.0, 3.0)
    y = 0.1 * np.sin(2.0 * x) - 0.2 * x + 0.3 * rng.standard_t(3, size=x.shape)
    state = fitted(x, y)
    for lane in range(3):
        weights, sums, variance, total = np.zeros(5), np.zeros(5), 0.0, 0.0
        kept: list[float] = []
        for t in range(300):
            intercept, slope = line_of(x[:t, lane], np.array(kept))
            share = closeness(x[t, lane])
            line = intercept + slope * x[t, lane]
            left = y[t, lane] - line - share @ (sums / (weights + 20.0))
            if total >= 16.0:
                left = float(np.clip(left, -4.0 * variance**0.5, 4.0 * variance**0.5))
            pull = line + share @ (sums / (weights + 20.0)) + left
            kept.append(pull)
            forget = 0.5 ** (1.0 / 500.0)
            total = forget * total + 1.0
            sums = forget * sums + share * (pull - line)
            weights = forget * weights + share
            variance += max(1.0 / total, 1.0 - forget) * (left**2 - variance)
        np.testing.assert_allclose(state["galerkin.knot_sums"][:, lane], sums, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(state["galerkin.variance"][0, lane], variance, rtol=1e-9)
        np.testing.assert_allclose(state["galerkin.weight"][0, lane], total, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_transition_of_the_fitted_equation_is_the_regression(dtype: str) -> None:
    """Solving the equation for a tick must give back the mean that the increments had."""
    rng = np.random.default_rng(5)
    decay = np.array([0.99, 0.9, 0.5, 0.2])
    x = np.clip(rng.normal(size=(4000, 4)), -3.0, 3.0)
    mean = 0.3 + decay * (x - 0.3) - x
    state = fitted(x, mean + 0.5 * rng.normal(size=x.shape), dtype)
    drift = read_drift(as_state(state))
    grid = np.linspace(-2.0, 2.0, 9)
    for lane in range(4):
        path = Path(*(np.asarray(part)[None] for part in drift))
        found = conditional_mean(path.drift(0, lane), float(path.variance[0, 0, lane]), grid)
        expected = 0.3 + decay[lane] * (grid - 0.3)
        assert np.abs(found - expected).max() < 0.12  # 720 noisy pairs are remembered
    exact = -np.log(decay) * 2.0 * 0.25 / (1.0 - decay**2)
    np.testing.assert_allclose(np.asarray(drift.variance)[0], exact, rtol=0.12)
    np.testing.assert_allclose(np.asarray(drift.mean_slope())[0], np.log(decay), atol=0.1)


def test_nothing_is_learned_where_nothing_counts() -> None:
    state = as_state(fitted(np.ones((5, 2)), np.ones((5, 2))))
    new = learn_drift(
        state, jnp.full((1, 2), 0.3), jnp.full((1, 2), np.nan), jnp.asarray([[False, False]])
    )
    for name, value in new.items():
        np.testing.assert_array_equal(value, state[name])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_price_that_stood_still_is_learned_from_once_it_moves(dtype: str) -> None:
    rng = np.random.default_rng(6)
    x = np.clip(rng.normal(size=(800, 3)), -3.0, 3.0)
    y = -0.3 * x + 0.2 * rng.normal(size=x.shape)
    x[:200], y[:200] = 0.0, 0.0
    state = fitted(x, y, dtype)
    assert np.all(np.abs(np.sqrt(state["galerkin.variance"]) - 0.2) < 0.05)
    assert np.all(np.abs(read_drift(as_state(state)).slope - np.log(0.7)) < 0.1)


def test_an_asset_without_history_has_no_drift() -> None:
    drift = read_drift({f.name: jnp.full((f.rows, 1), f.initial) for f in FIELDS})
    assert not any(np.asarray(part).any() for part in drift)
