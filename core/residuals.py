"""Forecast errors in units of what they have been: location and scale from the past only.

CUSUM (which owns the state) and kurtosis both read residuals through here. The invariant: the z
of tick t is made with the location and scale of ticks before t, so a shock cannot hide in its own
yardstick, and no constant has a unit: errors a million times larger give the same z.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.layout import Field, State

__all__ = ["WINSOR", "Baseline", "baseline_fields", "learn", "read_baseline", "standardise"]

WINSOR = 4.0
"""Standard deviations beyond which a residual counts as this much."""
_GAIN = 1.0 - 0.5 ** (1.0 / 250.0)
_SCALE_BOUND = 2.25
"""Winsor bound of what the scale learns from: the bulk sets the unit, not the tail."""
_KNOWN_ERRORS = 8.0
"""Errors learned before a residual is made at all."""
_TRUSTED_ERRORS = 20.0
"""Errors learned before the scale is trusted to bound the next one."""
_UNCERTAINTY = 3.0
"""z² of n errors' own scale and mean exceeds 1 by about this over n; without it the first
hundred ticks after an alarm would raise the next one."""
_COUNT_CAP = 1024.0


class Baseline(NamedTuple):
    """Each [1, lanes]: mean (units of the errors), variance (squared), errors learned from."""

    location: Float[Array, "1 lanes"]
    variance: Float[Array, "1 lanes"]
    errors: Float[Array, "1 lanes"]


def baseline_fields() -> tuple[Field, ...]:
    """The state behind the residuals, stored with CUSUM, whose alarms restart it."""
    return tuple(Field(f"cusum.{name}", "global", 1, 0.0) for name in Baseline._fields)


def read_baseline(state: State) -> Baseline:
    """The baseline before this tick."""
    return Baseline(*(state[f"cusum.{name}"] for name in Baseline._fields))


def standardise(
    past: Baseline, error: Float[Array, "1 lanes"]
) -> tuple[Float[Array, "1 lanes"], Bool[Array, "1 lanes"]]:
    """The residual in standard deviations, not winsorised, and whether it means anything yet.

    It is 0 where it does not: too few errors, or all of them equal.
    """
    known = (past.errors >= _KNOWN_ERRORS) & (past.variance > 0.0)
    deviation = jnp.sqrt(past.variance * (1.0 + _UNCERTAINTY / jnp.maximum(past.errors, 1.0)))
    z = (error - past.location) / jnp.where(known, deviation, 1.0)
    return jnp.where(known, z, 0.0), known


def learn(past: Baseline, error: Float[Array, "1 lanes"]) -> Baseline:
    """Move mean and variance by one error, with gain 1/n at first, later of half-life 250."""
    bound = _SCALE_BOUND * jnp.sqrt(past.variance)
    step = error - past.location
    step = jnp.where(past.errors >= _TRUSTED_ERRORS, jnp.clip(step, -bound, bound), step)
    # Errors that are all equal count as one: they tell no scale, and a scale of nothing would bound
    # every later error to nothing.
    errors = jnp.where(past.variance > 0.0, past.errors, jnp.minimum(past.errors, 1.0)) + 1.0
    gain = jnp.maximum(1.0 / errors, _GAIN)
    variance = (1.0 - gain) * (past.variance + gain * jnp.square(step))
    return Baseline(past.location + gain * step, variance, jnp.minimum(errors, _COUNT_CAP))
