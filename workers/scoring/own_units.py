"""Losses of many assets on one footing: each in units of persistence's mean loss on it."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from workers.scoring.long_run import ENOUGH

__all__ = ["own_skill", "own_units"]


def own_units(
    judged: Int64[ndarray, " assets"], persistence: Float64[ndarray, " assets"]
) -> Float64[ndarray, " assets"]:
    """Persistence's mean loss on each asset; NaN where its price never moved.

    Assets with fewer than `ENOUGH` forecasts share one: theirs alone could be next to nothing.

    Args:
        judged: forecasts of each asset.
        persistence: sums of persistence's losses on them.
    """
    few = judged < ENOUGH
    count = np.where(few, judged[few].sum(), judged)
    total = np.where(few, persistence[few].sum(), persistence)
    moved = (count > 0) & (total > 0.0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=moved))


def own_skill(
    judged: Int64[ndarray, " assets"],
    model: Float64[ndarray, " assets"],
    persistence: Float64[ndarray, " assets"],
) -> float:
    """The share of persistence's loss that is saved, every asset counting by its forecasts.

    Assets whose price never moved say nothing; NaN where there are no others. Of one asset it is
    1 - model / persistence.
    """
    units = own_units(judged, persistence)
    told = np.isfinite(units)
    if not told.any():
        return np.nan
    lost, base = (float((one[told] / units[told]).sum()) for one in (model, persistence))
    return 1.0 - lost / base
