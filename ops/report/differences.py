"""How sure a mean loss difference is, in each of many stretches of time."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from workers.scoring import LAGS

__all__ = ["StretchDifference"]


class StretchDifference:
    """Sums per stretch of the products that a Newey-West variance is made of.

    Pairs of ticks in two batches are left out: of 131,072 rows they are few.

    Args:
        stretches: how many.
    """

    def __init__(self, stretches: int) -> None:
        self._stretches = stretches
        self._count = np.zeros(stretches)
        self._total = np.zeros(stretches)
        self._products = np.zeros((LAGS + 1, stretches))
        self._pairs = np.zeros((LAGS + 1, stretches))

    def add(
        self,
        stretch: Int64[ndarray, " n"],
        asset: Int64[ndarray, " n"],
        difference: Float64[ndarray, " n"],
    ) -> None:
        """Rows of one batch; NaN where nothing was judged."""
        known = np.flatnonzero(np.isfinite(difference))
        order = known[np.argsort(asset[known], kind="stable")]
        at, whose, value = stretch[order], asset[order], difference[order]
        self._count += np.bincount(at, minlength=self._stretches)
        self._total += np.bincount(at, value, self._stretches)
        for lag in range(min(LAGS + 1, value.size)):
            end = value.size - lag
            together = (whose[lag:] == whose[:end]) & (at[lag:] == at[:end])
            place = at[lag:][together]
            product = (value[lag:] * value[:end])[together]
            self._products[lag] += np.bincount(place, product, self._stretches)
            self._pairs[lag] += np.bincount(place, minlength=self._stretches)

    def error_of_sum(self) -> Float64[ndarray, " s"]:
        """Standard error of each stretch's sum; NaN where it is not known."""
        mean = self._total / np.where(self._count > 0, self._count, np.nan)
        weights = 2.0 * (1.0 - np.arange(LAGS + 1) / (LAGS + 1.0))
        weights[0] = 1.0
        variance = weights @ (self._products - self._pairs * mean**2)
        return np.asarray(np.sqrt(np.where(variance > 0.0, variance, np.nan)))
