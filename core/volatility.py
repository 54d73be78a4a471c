"""Fast and slow variance of the forecast errors: how unsettled the residuals are now."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.config import PredictorConfig
from core.layout import Field, State

__all__ = ["Volatility", "fields", "update"]

_SLOW_GAIN = 1.0 / 250.0
_ERROR_BOUND = 20.0
_LEAST_VARIANCE = 1e-8


class Volatility(NamedTuple):
    """Each [1, lanes].

    Attributes:
        slow: EWMA variance of the errors, squared increment scales, floored.
        ratio: fast over slow variance; 1 before the first error.
    """

    slow: Float[Array, "1 lanes"]
    ratio: Float[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Two EWMA variances and the errors seen."""
    del config
    names = ("volatility.fast", "volatility.slow", "volatility.errors")
    return tuple(Field(name, "global", 1, 0.0) for name in names)


def update(
    config: PredictorConfig,
    state: State,
    *,
    error: Float[Array, "1 lanes"],
    scored: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Volatility]:
    """Move both variances where `scored`: gains `volatility_alpha` and 1/250, 1/n at first."""
    square = jnp.square(jnp.clip(error, -_ERROR_BOUND, _ERROR_BOUND))
    errors = jnp.minimum(state["volatility.errors"] + 1.0, 1024.0)
    young = 1.0 / errors
    new = {"volatility.errors": jnp.where(scored, errors, state["volatility.errors"])}
    for name, gain in (
        ("volatility.fast", config.volatility_alpha),
        ("volatility.slow", _SLOW_GAIN),
    ):
        step = jnp.maximum(young, gain) * (square - state[name])
        new[name] = jnp.where(scored, state[name] + step, state[name])
    slow = jnp.maximum(new["volatility.slow"], _LEAST_VARIANCE)
    ratio = jnp.maximum(new["volatility.fast"], _LEAST_VARIANCE) / slow
    return new, Volatility(slow=slow, ratio=ratio)
