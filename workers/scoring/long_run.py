"""Mean of a loss difference and how sure it is: Diebold & Mariano (1995), in one pass.

The long-run variance is Newey & West's (1987), Bartlett weights. Series of different assets
are taken as independent. One-step forecasts: no correction for overlapping horizons is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

__all__ = ["LAGS", "LossDifference", "diebold_mariano"]

LAGS: Final = 10


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

    def variance(self, mean: float) -> float:
        """Of the sum of the series: centred products, Bartlett weights."""
        found = 0.0
        for lag in range(min(LAGS + 1, self.count)):
            weight = 1.0 if lag == 0 else 2.0 * (1.0 - lag / (LAGS + 1.0))
            edges = self.head[:lag].sum() + self.tail[self.tail.size - lag :].sum()
            centred = (
                self.products[lag]
                - mean * (2.0 * self.total - edges)
                + (self.count - lag) * mean**2
            )
            found += weight * float(centred)
        return found


def diebold_mariano(assets: Iterable[LossDifference]) -> tuple[float, float, float]:
    """Mean, its standard error and their ratio: below -1.64 the first is better at 5%.

    NaN where there is nothing, or nothing differs.
    """
    parts = list(assets)
    count = sum(part.count for part in parts)
    if not count:
        return np.nan, np.nan, np.nan
    mean = sum(part.total for part in parts) / count
    variance = sum(part.variance(mean) for part in parts)
    if variance <= 0.0:
        return mean, np.nan, np.nan
    error = float(np.sqrt(variance)) / count
    return mean, error, mean / error
