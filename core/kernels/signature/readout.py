"""One trained linear readout per depth, all learning at every tick.

Each is a regression with a long memory, and a small fast one on what that leaves over, let
through as far as its record supports. The depths are a batch axis: the same few operations
whatever their number, and a depth that load shedding falls back to has never stood still.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64

from core.barrier import reshaped, settle
from core.config import PredictorConfig
from core.kernels.rls import Regression, dot
from core.kernels.rls import update as update_regression
from core.kernels.signature.features import count, rungs
from core.layout import Field, State

__all__ = ["fields", "update"]

FORGETTING = 0.9995
RIDGE = 5.0
"""Prior precision of every coefficient: worth five observations of a unit-variance feature."""
FORECAST_BOUND = 4.0
_FAST = 2
"""Features of the fast part: the newest increment, and level 1 of the shortest memory."""
_FAST_RATE = 0.1
_FAST_LEAK = 1e-4
_RECORD_FORGETTING = 0.5 ** (1.0 / 500.0)
_RECORD_PRIOR = 10.0
"""Fictitious residuals of unit variance, so that the first few ticks prove nothing."""


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Features and forecasts to be scored, regressions, fast parts and their records by depth."""
    depths = len(rungs(config))
    size = count(config, rungs(config)[-1])
    return (
        Field("signature.features", "D", size, 0.0),
        # Zero stands for the prior: a learned variance is positive.
        Field("signature.covariance", "D", size * size * depths, 0.0),
        Field("signature.coefficients", "D", size * depths, 0.0),
        Field("signature.fast_coefficients", "D", _FAST * depths, 0.0),
        Field("signature.forecasts", "D", 2 * depths, 0.0),
        Field("signature.record", "D", 2 * depths, 0.0),
        Field("signature.residual_squares", "D", depths, _RECORD_PRIOR),
        Field("signature.residuals", "D", 1, _RECORD_PRIOR),
    )


def update(
    config: PredictorConfig,
    state: State,
    *,
    realised: Float[Array, "1 lanes"],
    features: Float[Array, "features lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Float[Array, "depths lanes"]]:
    """Learn what followed the stored features, then forecast from the new ones at every depth.

    The fast part is a normalised LMS step (Haykin, chapter 7); its share is the slope of the
    residuals on what it had forecast of them, less one standard error, within [0, 1].
    """
    seen = _seen(config)
    depths, size = seen.shape[1], seen.shape[0]
    masks = jnp.asarray(seen, features.dtype)[:, :, None]
    old = {n.removeprefix("signature."): rows for n, rows in state.items()}
    past = old["features"][:, None] * masks
    learned = update_regression(
        _regression(old, masks),
        past,
        realised[None],
        forgetting=FORGETTING,
        trace_cap=jnp.asarray(np.sum(seen, axis=0)[:, None] / RIDGE, features.dtype),
    )
    coefficients = settle(learned.coefficients)
    slow = _clipped(dot(coefficients, features[:, None] * masks)[0])

    residual = realised - old["forecasts"][:depths]
    fast_before = old["forecasts"][depths:]
    quick = old["features"][:_FAST, None]
    step = _FAST_RATE * (residual - fast_before) / (1.0 + dot(quick, quick)[0])
    weights = old["fast_coefficients"].reshape(_FAST, depths, -1)
    weights = settle((1.0 - _FAST_LEAK) * weights + step * quick)
    fast = _clipped(dot(weights, features[:_FAST, None])[0])
    slow, fast = settle((slow, fast))
    record = _record(old, fast_before, residual)
    new = {
        "features": features,
        "covariance": reshaped(learned.covariance, size * size * depths, -1),
        "coefficients": coefficients.reshape(size * depths, -1),
        "fast_coefficients": weights.reshape(_FAST * depths, -1),
        "forecasts": jnp.concatenate([slow, fast]),
    } | record
    return {f"signature.{name}": rows for name, rows in new.items()}, slow + _share(record) * fast


def _seen(config: PredictorConfig) -> Float64[np.ndarray, "features depths"]:
    """1 where a depth's readout has the feature."""
    sizes = [count(config, depth) for depth in rungs(config)]
    return (np.arange(sizes[-1])[:, None] < np.array(sizes)).astype(np.float64)


def _regression(old: State, masks: Float[Array, "features depths 1"]) -> Regression:
    """The stored regressions; a prior variance of zero keeps out what a depth does not see."""
    size, depths = masks.shape[0], masks.shape[1]
    stored = old["covariance"].reshape(size, size, depths, -1)
    prior = jnp.eye(size, dtype=stored.dtype)[:, :, None, None] * masks / RIDGE
    return Regression(
        jnp.where(stored[:1, :1] == 0.0, prior, stored),
        old["coefficients"].reshape(size, depths, -1),
    )


def _record(
    old: State, fast: Float[Array, "depths lanes"], residual: Float[Array, "depths lanes"]
) -> dict[str, Float[Array, "rows lanes"]]:
    """Forgetting sums: of the fast part times itself and times what came, and of what came."""
    added = {
        "record": jnp.concatenate([jnp.square(fast), fast * residual]),
        "residual_squares": jnp.square(residual),
        "residuals": jnp.ones_like(old["residuals"]),
    }
    return {name: _RECORD_FORGETTING * old[name] + value for name, value in added.items()}


def _share(record: State) -> Float[Array, "depths lanes"]:
    depths = record["residual_squares"].shape[0]
    squares, products = record["record"][:depths] + 1e-12, record["record"][depths:]
    slope = products / squares
    left = jnp.maximum(record["residual_squares"] - slope * products, 0.0)
    error = jnp.sqrt(left / record["residuals"] / squares)
    return jnp.clip(slope - error, 0.0, 1.0)


def _clipped(forecast: Float[Array, "depths lanes"]) -> Float[Array, "depths lanes"]:
    return jnp.clip(forecast, -FORECAST_BOUND, FORECAST_BOUND)
