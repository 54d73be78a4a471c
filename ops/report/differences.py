"""How sure a mean loss difference is, in each of many stretches of time."""

from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.special import stdtrit

from workers.scoring import LAGS, newey_west

__all__ = ["StretchDifference"]

_FEWEST: Final = 20


class StretchDifference:
    """Sums per stretch of the products that a Newey-West variance is made of.

    Pairs of ticks in two batches are left out: of 131,072 rows they are few.

    Args:
        stretches: how many.
    """

    def __init__(self, stretches: int) -> None:
        self._stretches = stretches
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
        self._total += np.bincount(at, value, self._stretches)
        for lag in range(min(LAGS + 1, value.size)):
            end = value.size - lag
            together = (whose[lag:] == whose[:end]) & (at[lag:] == at[:end])
            place = at[lag:][together]
            product = (value[lag:] * value[:end])[together]
            self._products[lag] += np.bincount(place, product, self._stretches)
            self._pairs[lag] += np.bincount(place, minlength=self._stretches)

    def half_width(self, share: float) -> Float64[ndarray, " s"]:
        """Of the interval around each stretch's sum that holds such a share; NaN where it is not
        known: nothing differs, or there are fewer than 20.
        """
        enough = np.where(self._pairs[0] >= _FEWEST, self._pairs, np.nan)
        variance, freedom = newey_west(
            self._products - enough * (self._total / enough[0]) ** 2, enough
        )
        error = np.sqrt(np.where(variance > 0.0, variance, np.nan))
        return np.asarray(stdtrit(freedom, 0.5 + share / 2.0) * error)
