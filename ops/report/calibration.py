"""Whether errors are as wide as they are said to be."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import ndtr

__all__ = ["LEVELS", "SCALES", "Calibration"]

SCALES: Final = ("recent errors", "published scale")
LEVELS: Final = (0.5, 0.8, 0.95, 0.99)
_BINS: Final = 20


@dataclass(slots=True)
class Calibration:
    """Where the next price fell in N(predicted price, scale²), for two scales.

    The forecaster's recent errors are known from the past alone (`workers.scoring.ErrorScale`).
    The published scale is the spread of the recent levels; no error bar, and taken for one here.

    Attributes:
        judged: forecasts, by scale.
        pit: how many fell into each twentieth of the forecast's probability.
        inside: how many fell into the central intervals of `LEVELS`.
    """

    judged: Float64[ndarray, "2"] = field(default_factory=lambda: np.zeros(2))
    pit: Float64[ndarray, "2 bins"] = field(default_factory=lambda: np.zeros((2, _BINS)))
    inside: Float64[ndarray, "2 levels"] = field(default_factory=lambda: np.zeros((2, len(LEVELS))))

    def add(self, error: Float64[ndarray, " n"], scales: Float64[ndarray, "2 n"]) -> None:
        """The next errors; NaN where nothing was judged."""
        for number, scale in enumerate(scales):
            known = np.isfinite(error) & np.isfinite(scale) & (scale > 0.0)
            place = ndtr(error[known] / scale[known])
            self.judged[number] += place.size
            bins = np.minimum((place * _BINS).astype(np.int64), _BINS - 1)
            self.pit[number] += np.bincount(bins, minlength=_BINS)
            off = np.abs(2.0 * place - 1.0)
            self.inside[number] += [(off <= level).sum() for level in LEVELS]

    def density(self) -> Float64[ndarray, "2 bins"]:
        """The histogram, 1 everywhere where the scale is right; NaN without forecasts."""
        judged = np.where(self.judged > 0, self.judged, np.nan)[:, np.newaxis]
        return np.asarray(self.pit * _BINS / judged)

    def coverage(self) -> Float64[ndarray, "2 levels"]:
        """Share of prices inside each central interval."""
        judged = np.where(self.judged > 0, self.judged, np.nan)[:, np.newaxis]
        return np.asarray(self.inside / judged)
