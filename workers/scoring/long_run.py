"""Mean of a loss difference and how sure it is: Diebold & Mariano (1995), in one pass.

The long-run variance is Newey & West's (1987), Bartlett weights. Series of different assets
are taken as independent. One-step forecasts: no correction for overlapping horizons is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import stdtr, stdtrit

__all__ = [
    "ENOUGH",
    "LAGS",
    "LossDifference",
    "LossTest",
    "diebold_mariano",
    "newey_west",
    "ratio_errors",
]

LAGS: Final = 10
ENOUGH: Final = 100
"""Forecasts that a test needs: of fewer, skewed or dependent losses look certain too often."""
_TICKS_A_LAG: Final = 10


@dataclass(slots=True)
class LossDifference:
    """Sums over one asset's series of loss differences.

    Attributes:
        count: how many.
        products: sum of d(t) d(t-k), for k = 0 … LAGS.
        total: sum of d.
        head, tail: the first and the last LAGS of them.
    """

    count: int = 0
    total: float = 0.0
    products: Float64[ndarray, " lags"] = field(default_factory=lambda: np.zeros(LAGS + 1))
    head: Float64[ndarray, " h"] = field(default_factory=lambda: np.zeros(0))
    tail: Float64[ndarray, " t"] = field(default_factory=lambda: np.zeros(0))

    def add(self, difference: Float64[ndarray, " n"]) -> None:
        """The next ones."""
        if not difference.size:
            return
        joined = np.concatenate([self.tail, difference])
        old = self.tail.size
        for lag in range(LAGS + 1):
            begin = max(old, lag)
            if begin >= joined.size:
                break
            self.products[lag] += joined[begin:] @ joined[begin - lag : joined.size - lag]
        if self.head.size < LAGS:
            self.head = np.concatenate([self.head, difference])[:LAGS]
        self.tail = joined[-LAGS:]
        self.count += difference.size
        self.total += float(difference.sum())

    def in_units(self, unit: float) -> "LossDifference":
        """The same series, each difference divided by a unit."""
        return LossDifference(
            self.count,
            self.total / unit,
            self.products / unit**2,
            self.head / unit,
            self.tail / unit,
        )

    @property
    def pairs(self) -> Float64[ndarray, " lags"]:
        """How many products there are."""
        return np.maximum(self.count - np.arange(LAGS + 1), 0.0)

    def centred(self, mean: float) -> Float64[ndarray, " lags"]:
        """The products of d - mean."""
        edges = _sums(self.head) + _sums(self.tail[::-1])
        return np.asarray(self.products - mean * (2.0 * self.total - edges) + self.pairs * mean**2)


class LossTest(NamedTuple):
    """Whether losses differ; NaN where that cannot be told.

    Attributes:
        mean: of the differences.
        error: its standard error.
        freedom: degrees of freedom of Student's t, as which chance alone distributes the statistic.
    """

    mean: float
    error: float
    freedom: float

    @property
    def statistic(self) -> float:
        """Mean over error; below 0 the first is better."""
        return self.mean / self.error

    @property
    def chance(self) -> float:
        """One-sided: how often chance alone gives as little or less."""
        return float(stdtr(self.freedom, self.statistic))

    def quantile(self, share: float) -> float:
        """Below which chance alone puts that share of statistics."""
        return float(stdtrit(self.freedom, share))


def diebold_mariano(assets: Iterable[LossDifference]) -> LossTest:
    """Whether the mean difference over the ticks of all assets is other than 0.

    Without an error where nothing differs, or fewer than `ENOUGH` were judged. An asset's series
    has a mean of its own; those of fewer than `ENOUGH`, too short to tell theirs, share one.
    """
    parts = [part for part in assets if part.count]
    count = sum(part.count for part in parts)
    if not count:
        return LossTest(np.nan, np.nan, np.nan)
    mean = sum(part.total for part in parts) / count
    if count < ENOUGH:
        return LossTest(mean, np.nan, np.nan)
    short = [part for part in parts if part.count < ENOUGH]
    groups = [[part] for part in parts if part.count >= ENOUGH] + [short]
    found = np.array([_variance(group) for group in groups if sum(p.count for p in group) > 1])
    variance = float(found[:, 0].sum())
    if variance <= 0.0:
        return LossTest(mean, np.nan, np.nan)
    # Satterthwaite (1946); the squares of estimates are too large by the factor 1 + 2 / freedom.
    freedom = variance**2 / float((found[:, 0] ** 2 / (found[:, 1] + 2.0)).sum()) - 2.0
    return LossTest(mean, float(np.sqrt(variance)) / count, freedom)


def ratio_errors(
    first: LossDifference, second: LossDifference, difference: LossDifference, ratio: float
) -> LossDifference:
    """The series `first - ratio * second`, by whose mean the ratio of the two sums errs.

    Of the losses' difference alone the error of the ratio cannot be told: where `second` is large
    by chance, `first` is as a rule too.

    Args:
        first, second: losses of two forecasters on one asset.
        difference: the series `first - second`.
        ratio: of the sums, or of many assets' sums.
    """
    skill = 1.0 - ratio
    # first is difference + second, so this is what their products with each other come to.
    mixed = first.products - difference.products - second.products
    return LossDifference(
        difference.count,
        difference.total + skill * second.total,
        difference.products + skill * mixed + skill**2 * second.products,
        difference.head + skill * second.head,
        difference.tail + skill * second.tail,
    )


def newey_west(
    centred: Float64[ndarray, "lags *n"], pairs: Float64[ndarray, "lags *n"]
) -> tuple[Float64[ndarray, "*n"], Float64[ndarray, "*n"]]:
    """Variance of a sum, and its degrees of freedom.

    Right on average for white noise around a mean that was estimated as well: that is the factor
    of Harvey, Leybourne & Newbold (1997), for these weights. The freedom is that of a chi-squared
    variable of the same relative variance.

    Args:
        centred: sums of products of deviations from the mean, for each lag.
        pairs: how many products; of lag 0 at least 2.
    """
    count = pairs[0]
    lags = np.minimum(LAGS, count // _TICKS_A_LAG)
    lag = np.arange(LAGS + 1).reshape(-1, *[1] * count.ndim)
    bartlett = np.maximum(1.0 - lag / (lags + 1.0), 0.0)
    weights = np.where(lag == 0, 1.0, 2.0) * bartlett
    lost = (weights * pairs).sum(axis=0) / count
    variance = (weights * centred).sum(axis=0) * count / (count - lost)
    freedom = (count - lost) ** 2 / ((weights * bartlett * pairs).sum(axis=0) - lost**2)
    return variance, freedom


def _variance(group: list[LossDifference]) -> tuple[float, float]:
    mean = sum(part.total for part in group) / sum(part.count for part in group)
    centred = np.sum([part.centred(mean) for part in group], axis=0)
    variance, freedom = newey_west(centred, np.sum([part.pairs for part in group], axis=0))
    return float(variance), float(freedom)


def _sums(values: Float64[ndarray, " n"]) -> Float64[ndarray, " lags"]:
    """Of the first 0 … LAGS values."""
    return np.cumsum(np.concatenate([[0.0], values, np.zeros(LAGS - values.size)]))
