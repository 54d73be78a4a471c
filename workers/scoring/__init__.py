"""How good forecasts are: proper scores of a normal forecast, and tests of loss differences.

Pure numpy; what is judged, and when, is decided by the callers (`workers.tuning`, `ops.report`).
"""

from workers.scoring.error_scale import ErrorScale
from workers.scoring.gaussian import crps, log_score, pit
from workers.scoring.long_run import (
    ENOUGH,
    LAGS,
    LossDifference,
    LossTest,
    diebold_mariano,
    newey_west,
    ratio_errors,
)
from workers.scoring.own_units import own_skill, own_units
from workers.scoring.smoothing import smoothed

__all__ = [
    "ENOUGH",
    "LAGS",
    "ErrorScale",
    "LossDifference",
    "LossTest",
    "crps",
    "diebold_mariano",
    "log_score",
    "newey_west",
    "own_skill",
    "own_units",
    "pit",
    "ratio_errors",
    "smoothed",
]
