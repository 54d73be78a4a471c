"""How much of a search's success is luck: of many candidates the best looks good by chance."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

from workers.scoring import LossDifference, diebold_mariano

__all__ = ["better_by", "chance", "chance_of_best", "expected_best"]


def better_by(series: list[LossDifference]) -> float:
    """How many standard errors the chosen one's losses are below the baseline's; NaN where that
    cannot be told.

    Few ticks make the errors themselves uncertain: what Student's t allows by chance more often
    counts for less, so that all else here holds (Wallace 1959, 0.2% off).
    """
    test = diebold_mariano(series)
    t, freedom = -test.statistic, test.freedom
    share = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
    return math.copysign(share * math.sqrt(freedom * math.log1p(t**2 / freedom)), t)


def chance(z: float) -> float:
    """One-sided: how often chance alone gives this much or more; NaN for NaN."""
    return float(ndtr(-z))


def chance_of_best(z: float, candidates: int) -> float:
    """The same of the best of many (Bonferroni: true whatever their dependence)."""
    return min(1.0, candidates * chance(z)) if math.isfinite(z) else math.nan


def expected_best(candidates: int) -> float:
    """What the best of n worthless, independent candidates shows on average, in standard errors.

    Bailey and Lopez de Prado (2014), "The deflated Sharpe ratio", equation 6.
    """
    if candidates < 2:
        return 0.0
    first, second = ndtri(1.0 - 1.0 / candidates), ndtri(1.0 - 1.0 / (candidates * math.e))
    return float((1.0 - np.euler_gamma) * first + np.euler_gamma * second)
