"""How sure the skill is, in each of many stretches of time."""

from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.special import stdtrit

from workers.scoring import LAGS, newey_west

__all__ = ["StretchSkill"]

_FEWEST: Final = 20


class StretchSkill:
    """Sums per stretch of the products that a Newey-West variance is made of: of the difference of
    the losses, of persistence's, and of one with the other.

    Pairs of ticks in two batches are left out: of 131,072 rows they are few.

    Args:
        stretches: how many.
    """

    def __init__(self, stretches: int) -> None:
        self._stretches = stretches
        self._difference = np.zeros(stretches)
        self._base = np.zeros(stretches)
        self._products = np.zeros((3, LAGS + 1, stretches))
        self._pairs = np.zeros((LAGS + 1, stretches))

    def add(
        self,
        stretch: Int64[ndarray, " n"],
        asset: Int64[ndarray, " n"],
        losses: Float64[ndarray, "2 n"],
    ) -> None:
        """Rows of one batch, the model's losses and persistence's; NaN where nothing was judged."""
        known = np.flatnonzero(np.isfinite(losses[0]))
        order = known[np.argsort(asset[known], kind="stable")]
        at, whose, base = stretch[order], asset[order], losses[1, order]
        value = losses[0, order] - base
        self._difference += np.bincount(at, value, self._stretches)
        self._base += np.bincount(at, base, self._stretches)
        for lag in range(min(LAGS + 1, value.size)):
            end = value.size - lag
            together = (whose[lag:] == whose[:end]) & (at[lag:] == at[:end])
            place = at[lag:][together]
            mixed = value[lag:] * base[:end] + base[lag:] * value[:end]
            products = (value[lag:] * value[:end], mixed, base[lag:] * base[:end])
            self._products[:, lag] += [
                np.bincount(place, product[together], self._stretches) for product in products
            ]
            self._pairs[lag] += np.bincount(place, minlength=self._stretches)

    def half_width(self, share: float) -> Float64[ndarray, " s"]:
        """Of the interval around each stretch's skill that holds such a share; NaN where it is not
        known: nothing differs, the price stands, or there are fewer than 20.
        """
        base = np.where(self._base > 0.0, self._base, np.nan)
        skill = -self._difference / base
        # Of difference + skill * base, whose mean is 0: by it the ratio errs.
        errors = self._products[0] + skill * self._products[1] + skill**2 * self._products[2]
        variance, freedom = newey_west(
            errors, np.where(self._pairs[0] >= _FEWEST, self._pairs, np.nan)
        )
        error = np.sqrt(np.where(variance > 0.0, variance, np.nan)) / base
        return np.asarray(stdtrit(freedom, 0.5 + share / 2.0) * error)
