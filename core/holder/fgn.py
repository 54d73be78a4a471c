"""Fractional Gaussian noise: its autocovariance and its optimal one-step predictors.

Runs once, before anything is traced. The invariant: the tables depend on nothing but the constants
of this package, so that every processor has the same bytes of them (`core.exact`).
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from core.exact import power, to_float64

__all__ = ["HURST_GRID", "autocovariance", "durbin_levinson", "predictor_table"]

HURST_STEP = 0.05
HURST_GRID: NDArray[np.float64] = np.arange(1.0, 20.0) * HURST_STEP
"""The bank's exponents: 0.05, 0.10 … 0.95."""


def autocovariance(hurst: float, lags: int) -> NDArray[np.float64]:
    """Autocovariance of unit-variance fGn at lags 0..`lags` (Mandelbrot & Van Ness 1968)."""
    spreads = [power(k, 2.0 * hurst) for k in range(lags + 2)]
    return to_float64(
        (spreads[k + 1] - 2 * spreads[k] + spreads[abs(k - 1)]) / 2 for k in range(lags + 1)
    )


def durbin_levinson(covariance: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Solve the Yule–Walker equations of a stationary series.

    Args:
        covariance: autocovariances at lags 0..p, shape [p + 1].

    Returns:
        The coefficients of lags 1..p, shape [p], and the innovation variance
        (Brockwell & Davis 1991, proposition 5.2.1).
    """
    order = len(covariance) - 1
    coefficients = np.zeros(order)
    variance = float(covariance[0])
    for m in range(1, order + 1):
        past = coefficients[: m - 1].copy()
        reflection = (covariance[m] - math.fsum(past * covariance[1:m][::-1])) / variance
        coefficients[: m - 1] = past - reflection * past[::-1]
        coefficients[m - 1] = reflection
        variance *= 1.0 - reflection * reflection
    return coefficients, variance


@functools.cache
def predictor_table(order: int) -> NDArray[np.float64]:
    """Coefficients of lags 1..`order` for every exponent of the grid, shape [19, order]."""
    rows = [durbin_levinson(autocovariance(float(h), order))[0] for h in HURST_GRID]
    table = np.stack(rows)
    table.setflags(write=False)
    return table
