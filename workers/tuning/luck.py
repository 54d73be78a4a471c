"""How much of a search's success is luck: of many candidates the best looks good by chance."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

from workers.scoring import LossDifference, diebold_mariano

__all__ = ["better_by", "chance", "chance_of_best", "expected_best"]


def better_by(series: list[LossDifference]) -> float:
    """How many standard errors the chosen one's losses are below the baseline's."""
    return -diebold_mariano(series)[2]


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
