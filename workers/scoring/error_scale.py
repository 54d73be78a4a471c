"""How wide a forecaster's errors are, told from its past errors alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.scoring.smoothing import smoothed

__all__ = ["ErrorScale"]

_HALF_LIFE: Final = 100.0
_GAIN: Final = 1.0 - 0.5 ** (1.0 / _HALF_LIFE)
# On a feed whose price rests most of the time the recent errors may all be zero.
_FLOOR: Final = 0.1


@dataclass(slots=True)
class ErrorScale:
    """Root of an exponentially weighted mean square (half-life 100 ticks) of one asset's errors.

    Never below a tenth of the root of the mean square of all errors so far.

    Attributes:
        count: errors so far.
        mean_square: exponentially weighted, biased towards zero at first.
        total_square: sum of all squares.
    """

    count: int = 0
    mean_square: float = 0.0
    total_square: float = 0.0

    def before_each(self, error: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        """The scale known before each of the next n errors; NaN while none has been different
        from zero. The state moves on.
        """
        if not error.size:
            return np.empty(0)
        square = error**2
        after = smoothed(square, gain=_GAIN, before=self.mean_square)
        weighted = np.concatenate([[self.mean_square], after])
        total = self.total_square + np.concatenate([[0.0], np.cumsum(square)])
        number = self.count + np.arange(square.size + 1)
        self.count, self.mean_square = int(number[-1]), float(weighted[-1])
        self.total_square = float(total[-1])
        known = np.maximum(number[:-1], 1)
        recent = weighted[:-1] / (1.0 - (1.0 - _GAIN) ** known)
        scale = np.sqrt(np.maximum(recent, _FLOOR**2 * total[:-1] / known))
        return np.asarray(np.where(scale > 0.0, scale, np.nan))
