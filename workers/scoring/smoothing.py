"""Exponential smoothing, one value after the other."""

from itertools import accumulate

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

__all__ = ["smoothed"]


def smoothed(
    values: Float64[ndarray, " n"], *, gain: float, before: float
) -> Float64[ndarray, " n"]:
    """`level = gain * value + (1 - gain) * level` after each value.

    Args:
        values: any unit.
        gain: weight of the newest.
        before: the level so far.
    """
    # The same to the bit as scipy.signal.lfilter, whose package takes two seconds to import: as
    # long as this takes for twenty million values.
    kept = 1.0 - gain
    levels = accumulate(
        (gain * values).tolist(), lambda level, new: new + kept * level, initial=before
    )
    return np.fromiter(levels, np.float64, values.size + 1)[1:]
