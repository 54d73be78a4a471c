"""One-step forecasts of a price by loops over libraries, as one would write them first.

Each is one function of a price series: the forecast of the next price at every tick, NaN until
there is one. None looks ahead.
"""

import itertools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from arch import arch_model
from jaxtyping import Float64
from numpy import ndarray
from river import linear_model, optim, preprocessing, time_series
from statsmodels.tsa.ar_model import AutoReg

__all__ = ["PEERS"]

_LAGS: Final = 8
_FIT_WINDOW: Final = 500
_REFIT_EVERY: Final = 100

Prices = Float64[ndarray, " n"]


def river_regression(price: Prices) -> Prices:
    """Linear regression of a move on the eight before it, by stochastic gradients (river)."""
    model = preprocessing.StandardScaler() | linear_model.LinearRegression(optim.SGD(0.01))
    made = np.full(price.size, np.nan)
    moves = np.diff(price, prepend=price[0])
    features: dict[int, float] | None = None
    for number, move in enumerate(moves.tolist()):
        if features is not None:
            model.learn_one(features, move)
        recent = moves[max(number - _LAGS + 1, 0) : number + 1]
        features = dict(enumerate(recent[::-1].tolist()))
        made[number] = price[number] + model.predict_one(features)
    return made


def river_holt(price: Prices) -> Prices:
    """Exponential smoothing with a trend (river's Holt-Winters)."""
    untyped: Any = time_series.HoltWinters
    model = untyped(alpha=0.5, beta=0.05)
    made = np.full(price.size, np.nan)
    for number, value in enumerate(price.tolist()):
        model.learn_one(value)
        if number > _LAGS:
            made[number] = model.forecast(horizon=1)[0]
    return made


def statsmodels_ar(price: Prices) -> Prices:
    """AR(8) of the moves, fitted anew each 100 ticks to the last 500 (statsmodels)."""

    def fit(moves: Prices) -> Prices:
        coefficients: Prices = AutoReg(moves, lags=_LAGS, trend="c").fit().params
        return coefficients

    return _refitted(price, fit)


def arch_ar_garch(price: Prices) -> Prices:
    """The same with GARCH(1,1) errors (arch)."""

    def fit(moves: Prices) -> Prices:
        scale = float(moves.std()) or 1.0
        model = arch_model(moves / scale, mean="AR", lags=_LAGS, vol="GARCH")
        with warnings.catch_warnings():
            # An optimiser that stops early still leaves usable coefficients.
            warnings.simplefilter("ignore")
            found = model.fit(disp="off", show_warning=False).params.to_numpy()[: _LAGS + 1]
        return np.asarray(np.concatenate([[found[0] * scale], found[1:]]), np.float64)

    return _refitted(price, fit)


def _refitted(price: Prices, fit: Callable[[Prices], Prices]) -> Prices:
    """Forecasts by a constant and coefficients of the newest moves, the newest first."""
    moves, made = np.diff(price, prepend=price[0]), np.full(price.size, np.nan)
    cuts = [*range(_FIT_WINDOW, price.size, _REFIT_EVERY), price.size]
    for begin, end in itertools.pairwise(cuts):
        constant, *slopes = fit(moves[begin - _FIT_WINDOW : begin]).tolist()
        for number in range(begin, end):
            newest = moves[number - _LAGS + 1 : number + 1][::-1]
            made[number] = price[number] + constant + float(np.dot(slopes, newest))
    return made


PEERS: Final[Mapping[str, Callable[[Prices], Prices]]] = {
    "river, linear regression on 8 lags": river_regression,
    "river, Holt-Winters": river_holt,
    "statsmodels, AR(8) refitted each 100 ticks": statsmodels_ar,
    "arch, AR(8)-GARCH(1,1) refitted each 100 ticks": arch_ar_garch,
}
