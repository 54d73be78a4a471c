"""Balancing: any symmetric cost in [0, 1], epsilon from 1e-6 to 1e4, both precisions."""

import jax
import numpy as np
import pytest

from core.sinkhorn import balance


def costs(seed: int, lanes: int = 64) -> np.ndarray:
    """Distances between random points, scaled to [0, 1], and the discrete cost 1 - I."""
    points = np.random.default_rng(seed).random((4, 2, lanes))
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    distance /= distance.max(axis=(0, 1))
    distance[:, :, 0] = 1.0 - np.eye(4)
    return np.asarray(distance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 0.5, 2.0, 1e4])
def test_balances_within_fifty_iterations(epsilon: float, dtype: str) -> None:
    # Above 1 moving is rewarded instead of charged; the step caps there, balancing need not.
    log_kernel = (costs(0) * np.log(min(epsilon, 1.0))).astype(dtype)
    result = jax.jit(lambda k: balance(k, iterations=50))(log_kernel)
    plan = np.asarray(result.plan, dtype=np.float64)
    tolerance = 1e-12 if dtype == "float64" else 2e-6
    assert np.abs(plan.sum(axis=0) - 1.0).max() < tolerance
    assert np.abs(plan.sum(axis=1) - 1.0).max() < tolerance
    assert np.asarray(result.residual).max() < tolerance
    assert np.array_equal(plan, np.swapaxes(plan, 0, 1))


def test_residual_tells_when_it_is_not_balanced() -> None:
    result = balance(np.log(1e-3) * costs(1), iterations=0)
    assert np.asarray(result.residual).min() > 1e-4
