"""Kernel A: projection of the next increment on its past (Wiener-Hopf), solved recursively.

Increments, not levels: Yule-Walker on the levels of a random walk is 30% worse than persistence.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.kernels import levinson
from core.kernels.rls import Regression, dot
from core.kernels.rls import update as update_regression
from core.layout import Field, State
from core.levels import Levels

__all__ = ["fields", "update"]

LAGS = 6
FORGETTING = 0.9995
RIDGE = 10.0
"""Prior precision of every coefficient: worth ten observations of a unit-variance feature."""
INCREMENT_BOUND = 8.0
LEVEL_BOUND = 4.0
FORECAST_BOUND = 4.0
_ORDER = LAGS + 1
_TRACE_CAP = _ORDER / RIDGE
_BLEND_FORGETTING = 0.5 ** (1.0 / 500.0)


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The regression, its newest features, and the scores of the two forecasts it blends."""
    if config.kernel_a == "levinson":
        return levinson.fields()
    return (
        # Zero stands for the prior, which `update` puts in at the asset's first tick.
        Field("hilbert.covariance", "A", _ORDER * _ORDER, 0.0),
        Field("hilbert.coefficients", "A", _ORDER, 0.0),
        Field("hilbert.features", "A", _ORDER, 0.0),
        Field("hilbert.forecasts", "A", 2, 0.0),
        Field("hilbert.losses", "A", 2, 0.0),
    )


def update(
    config: PredictorConfig,
    state: State,
    *,
    increment: Float[Array, "1 lanes"],
    levels: Levels,
    level: Float[Array, "1 lanes"],
    long_memory_forecast: Float[Array, "1 lanes"],
    first: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Float[Array, "1 lanes"]]:
    """Learn from r_t, then forecast r_{t+1}.

    Features are the last `LAGS` increments and an error-correction term, the z-score of the
    window's mean seen from the level (Engle & Granger 1987). The regression is blended with the
    filter bank's forecast by exponential weights on their forgetting squared errors.
    `kernel_a="levinson"` replaces all of it by `core.kernels.levinson`.

    Returns:
        The new fields, and the forecast in scale units.
    """
    if config.kernel_a == "levinson":
        return levinson.update(state, increment)
    realised = jnp.clip(increment, -INCREMENT_BOUND, INCREMENT_BOUND)
    learned = settle(
        update_regression(
            Regression(_covariance(state, first), state["hilbert.coefficients"]),
            state["hilbert.features"],
            realised,
            forgetting=FORGETTING,
            trace_cap=_TRACE_CAP,
        )
    )
    gap = jnp.where(levels.deviation > 0.0, (levels.mean - level) / levels.deviation, 0.0)
    gap = jnp.clip(gap, -LEVEL_BOUND, LEVEL_BOUND)
    features = jnp.concatenate([realised, state["hilbert.features"][: LAGS - 1], gap])
    projection = jnp.clip(dot(learned.coefficients, features), -FORECAST_BOUND, FORECAST_BOUND)
    forecasts = jnp.concatenate([projection, long_memory_forecast])

    scored = jnp.square(realised - state["hilbert.forecasts"])
    losses = _BLEND_FORGETTING * state["hilbert.losses"] + scored
    # Half the difference of summed squares is the log likelihood ratio at unit variance.
    advantage = jnp.clip(0.5 * (losses[1:2] - losses[0:1]), -50.0, 50.0)
    share = 1.0 / (1.0 + jnp.exp(-advantage))
    new = {
        "hilbert.covariance": learned.covariance.reshape(_ORDER * _ORDER, -1),
        "hilbert.coefficients": learned.coefficients,
        "hilbert.features": features,
        "hilbert.forecasts": forecasts,
        "hilbert.losses": losses,
    }
    return new, long_memory_forecast + share * (projection - long_memory_forecast)


def _covariance(state: State, first: Bool[Array, "1 lanes"]) -> Float[Array, "order order lanes"]:
    stored = state["hilbert.covariance"].reshape(_ORDER, _ORDER, -1)
    prior = jnp.eye(_ORDER, dtype=stored.dtype)[:, :, None] / RIDGE
    return jnp.where(first[None], prior, stored)
