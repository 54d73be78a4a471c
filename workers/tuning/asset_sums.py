"""Losses summed asset by asset."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

__all__ = ["AssetSums"]


class AssetSums:
    """Attributes:
    judged: forecasts of each asset.
    losses: sums of their losses, a row for each forecaster.
    """

    def __init__(self, forecasters: int) -> None:
        self.judged: Int64[ndarray, " assets"] = np.zeros(0, np.int64)
        self.losses: Float64[ndarray, "f assets"] = np.zeros((forecasters, 0))

    def add(self, asset: Int64[ndarray, " n"], losses: Float64[ndarray, "f n"]) -> None:
        """Of the next forecasts, each with the number of its asset."""
        assets = max(self.judged.size, int(asset.max(initial=-1)) + 1)
        more = assets - self.judged.size
        found = [np.bincount(asset, one, assets) for one in losses]
        self.judged = np.pad(self.judged, (0, more)) + np.bincount(asset, minlength=assets)
        self.losses = np.pad(self.losses, ((0, 0), (0, more))) + np.array(found)
