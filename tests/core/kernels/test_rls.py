"""Recursive least squares against the batch solution, and its bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.kernels.rls import Regression, update

N, LANES = 5, 64
FORGETTING, RIDGE = 0.999, 10.0


def run(
    features: np.ndarray, targets: np.ndarray, *, cap: float, dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """Covariance and coefficients after all ticks."""
    start = Regression(
        jnp.asarray(np.repeat(np.eye(N)[:, :, None] / RIDGE, LANES, axis=2), dtype),
        jnp.zeros((N, LANES), dtype=dtype),
    )

    def step(r: Regression, xy: tuple[jax.Array, jax.Array]) -> tuple[Regression, None]:
        return update(r, xy[0], xy[1][None], forgetting=FORGETTING, trace_cap=cap), None

    scanned = jax.jit(lambda r, xy: jax.lax.scan(step, r, xy)[0])
    end: Regression = scanned(start, (features.astype(dtype), targets.astype(dtype)))
    return np.asarray(end.covariance), np.asarray(end.coefficients)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 2e-3)])
def test_equals_weighted_ridge_regression(dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    ticks = 2000
    x, noise = rng.normal(size=(ticks, N, LANES)), rng.normal(size=(ticks, LANES))
    y = (x * rng.normal(size=(N, 1))).sum(axis=1) + noise
    covariance, coefficients = run(x, y, cap=np.inf, dtype=dtype)
    decay = FORGETTING ** np.arange(ticks - 1, -1, -1.0)
    for lane in (0, 31, 63):
        normal = (x[:, :, lane] * decay[:, None]).T @ x[:, :, lane]
        normal += RIDGE * FORGETTING**ticks * np.eye(N)
        theta = np.linalg.solve(normal, (x[:, :, lane] * decay[:, None]).T @ y[:, lane])
        np.testing.assert_allclose(coefficients[:, lane], theta, atol=tolerance)
        np.testing.assert_allclose(covariance[:, :, lane], np.linalg.inv(normal), atol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_stays_symmetric_bounded_and_positive_without_excitation(dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = np.zeros((30_000, N, LANES))
    x[:, 0] = rng.normal(size=(30_000, LANES))
    x[:, 1] = x[:, 0]  # collinear; the other directions are never excited
    P, coefficients = run(
        x, x[:, 0] + 0.1 * rng.normal(size=(30_000, LANES)), cap=N / RIDGE, dtype=dtype
    )
    covariance = P.astype(np.float64)
    assert np.array_equal(covariance, np.swapaxes(covariance, 0, 1))
    assert np.trace(covariance).max() <= N / RIDGE * (1.0 + 1e-5)
    assert np.linalg.eigvalsh(np.moveaxis(covariance, 2, 0)).min() > -1e-6
    np.testing.assert_allclose(coefficients[:2].sum(axis=0), 1.0, atol=0.02)
