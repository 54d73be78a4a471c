"""What a search improves: the loss of a forecast against persistence's on the same ticks."""

from enum import StrEnum

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.scoring import crps, log_score

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

    def skill(self, *, model: float, persistence: float, judged: int) -> float:
        """From sums of losses: the share of persistence's that is saved; of `LOG` nats a tick.

        NaN where there is nothing to compare.
        """
        if not judged:
            return np.nan
        if self is Objective.LOG:
            return (persistence - model) / judged
        return 1.0 - model / persistence if persistence > 0.0 else np.nan
