"""The predictor tables against a general Toeplitz solver and the scaling law."""

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz

from core.holder.fgn import HURST_GRID, autocovariance, durbin_levinson, predictor_table
from tests.core.holder.paths import fractional_noise


@pytest.mark.parametrize("hurst", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_sums_of_m_increments_have_variance_m_to_the_2h(hurst: float) -> None:
    gamma = autocovariance(hurst, 64)
    for m in (1, 2, 7, 64):
        lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
        assert gamma[lag].sum() == pytest.approx(m ** (2 * hurst), rel=1e-10)


@pytest.mark.parametrize("order", [1, 2, 16, 32])
def test_coefficients_solve_the_yule_walker_equations(order: int) -> None:
    for row, hurst in zip(predictor_table(order), HURST_GRID, strict=True):
        gamma = autocovariance(float(hurst), order)
        np.testing.assert_allclose(row, solve_toeplitz(gamma[:-1], gamma[1:]), atol=1e-11)


def test_innovation_variance_is_what_the_coefficients_leave() -> None:
    gamma = autocovariance(0.8, 32)
    coefficients, variance = durbin_levinson(gamma)
    assert variance == pytest.approx(gamma[0] - coefficients @ gamma[1:], rel=1e-12)


def test_the_oracle_generator_has_the_stated_covariance() -> None:
    x = fractional_noise(0.25, 64, 20_000, np.random.default_rng(5))
    for lag in (0, 1, 2, 5):
        measured = np.mean(x[: 64 - lag] * x[lag:])
        assert measured == pytest.approx(autocovariance(0.25, 8)[lag], abs=0.005)
