"""What a search improves: the loss of a forecast against persistence's on the same ticks."""

from enum import StrEnum

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from workers.scoring import crps, log_score, own_skill, own_units

__all__ = ["Objective"]


class Objective(StrEnum):
    """Each is a loss per tick; its skill is above 0 where the forecast beats persistence.

    `LOG` and `CRPS` judge a normal forecast around the predicted price whose width is the
    forecaster's own recent error (`workers.scoring.ErrorScale`), so that restless hours count no
    more than quiet ones. The published `scale` is the spread of the recent levels and no error bar.
    """

    MSE = "mse"
    MAE = "mae"
    LOG = "log"
    CRPS = "crps"

    @property
    def needs_scale(self) -> bool:
        """Whether the width of the errors is part of it."""
        return self in (Objective.LOG, Objective.CRPS)

    def loss(
        self, error: Float64[ndarray, " n"], scale: Float64[ndarray, " n"]
    ) -> Float64[ndarray, " n"]:
        """Of each tick.

        Args:
            error: price less forecast.
            scale: of the errors before it; unused by `MSE` and `MAE`.
        """
        if self is Objective.MSE:
            return np.asarray(error**2)
        if self is Objective.MAE:
            return np.asarray(np.abs(error))
        score = log_score if self is Objective.LOG else crps
        return score(error, scale)

    def units(
        self, judged: Int64[ndarray, " assets"], persistence: Float64[ndarray, " assets"]
    ) -> Float64[ndarray, " assets"]:
        """What each asset's losses are divided by, so that each counts by its forecasts, however
        dear or restless it is; of `LOG` 1, nats are comparable. NaN: the asset says nothing.

        Args:
            judged: forecasts of each asset.
            persistence: sums of persistence's losses on them.
        """
        if self is Objective.LOG:
            return np.ones_like(persistence)
        return own_units(judged, persistence)

    def skill(
        self,
        judged: Int64[ndarray, " assets"],
        model: Float64[ndarray, " assets"],
        persistence: Float64[ndarray, " assets"],
    ) -> float:
        """From sums of losses of each asset: the share of persistence's that is saved, every asset
        counting by its forecasts; of `LOG` nats a tick. NaN where there is nothing to compare.
        """
        if self is not Objective.LOG:
            return own_skill(judged, model, persistence)
        count = int(judged.sum())
        return float((persistence - model).sum()) / count if count else np.nan
