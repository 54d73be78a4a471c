"""What is known of an asset's drift: a line and local corrections to it, learned online.

x is the level as a z-score of the last 128 levels, y the next increment in the same unit. The
line is a forgetting regression of y on x; at five knots a Gaussian-weighted mean of what the line
left over is added (a local-constant fit with a ridge, so that few observations correct little).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from core.folds import total
from core.kernels.galerkin.network import DOMAIN
from core.layout import Field, State
from core.logarithm import log1p

__all__ = ["Drift", "drift_fields", "learn_drift", "read_drift"]

KNOTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
FORGETTING = 0.5 ** (1.0 / 500.0)
RIDGE = 20.0
"""Fictitious observations of no drift, at x = ±1 for the slope."""
STEEPEST_FALL, STEEPEST_RISE = -0.95, 0.2
"""Bounds of the slope: e^-3 of the distance left after a tick, or a fifth more."""
LARGEST_VARIANCE = 10.0
RESIDUAL_BOUND = 4.0
"""Deviations; a jump says little about the drift."""
_TRUSTED_TICKS = 16.0
_MOMENTS = ("weight", "x", "y", "xx", "xy")


class Drift(NamedTuple):
    """The equation's coefficients, per tick, in units of x.

    Attributes:
        intercept, slope: the line, as continuous-time rates.
        corrections: at the knots, likewise.
        variance: sigma².
    """

    intercept: Float[Array, "1 lanes"]
    slope: Float[Array, "1 lanes"]
    corrections: Float[Array, "knots lanes"]
    variance: Float[Array, "1 lanes"]

    def at(self, x: Float[Array, "points 1"]) -> Float[Array, "points lanes"]:
        """b(x)."""
        share = _closeness(x)
        total = self.intercept + self.slope * x
        for k in range(len(KNOTS)):
            total = total + share[k] * self.corrections[k : k + 1]
        return total

    def mean_slope(self) -> Float[Array, "1 lanes"]:
        """Mean of b' over the domain: the logarithm by which one tick stretches the levels."""
        ends = self.at(jnp.asarray([[-DOMAIN], [DOMAIN]], self.slope.dtype))
        return (ends[1:2] - ends[0:1]) / (2.0 * DOMAIN)


def drift_fields() -> tuple[Field, ...]:
    """Moments of the line, sums at the knots, the variance left over."""
    return (
        *(Field(f"galerkin.{name}", "B", 1, 0.0) for name in _MOMENTS),
        Field("galerkin.knot_weights", "B", len(KNOTS), 0.0),
        Field("galerkin.knot_sums", "B", len(KNOTS), 0.0),
        Field("galerkin.variance", "B", 1, 0.0),
    )


def learn_drift(
    state: State,
    x: Float[Array, "1 lanes"],
    y: Float[Array, "1 lanes"],
    counts: Bool[Array, "1 lanes"],
) -> dict[str, Float[Array, "rows lanes"]]:
    """Add the pair (x before the tick, increment of the tick) where it counts."""
    intercept, slope = _line(state)
    left_over = y - (intercept + slope * x + _correction(state, x))
    bound = RESIDUAL_BOUND * jnp.sqrt(state["galerkin.variance"])
    # A variance of nothing, of a price that has stood still, would bound all to nothing.
    trusted = (state["galerkin.weight"] >= _TRUSTED_TICKS) & (bound > 0.0)
    clipped = jnp.where(trusted, jnp.clip(left_over, -bound, bound), left_over)
    y = y + (clipped - left_over)
    moments = {"weight": jnp.ones_like(x), "x": x, "y": y, "xx": x * x, "xy": x * y}
    new = {
        f"galerkin.{name}": FORGETTING * state[f"galerkin.{name}"] + value
        for name, value in moments.items()
    }
    share = _closeness(x)[:, 0]
    new["galerkin.knot_weights"] = FORGETTING * state["galerkin.knot_weights"] + share
    new["galerkin.knot_sums"] = FORGETTING * state["galerkin.knot_sums"] + share * (
        y - (intercept + slope * x)
    )
    gain = jnp.maximum(1.0 / new["galerkin.weight"], 1.0 - FORGETTING)
    variance = state["galerkin.variance"]
    new["galerkin.variance"] = variance + gain * (jnp.square(clipped) - variance)
    return {name: jnp.where(counts, value, state[name]) for name, value in new.items()}


def read_drift(state: State) -> Drift:
    """Continuous-time coefficients whose transition over one tick has the estimated mean.

    The regression sees x_1 - x_0, of mean (e^-theta - 1)(x - mu): its slope m makes theta =
    -ln(1 + m). The same factor ln(1 + m) / m turns intercept and corrections into rates, and the
    variance of a transition into sigma² (Ornstein-Uhlenbeck: Gillespie 1996, eq. 1.9).
    """
    intercept, slope = _line(state)
    # Near zero the quotient is a series; the bounds keep 1 + m away from 0.
    small = jnp.abs(slope) < 1e-3
    safe = jnp.where(small, 1e-3, slope)
    factor = jnp.where(small, 1.0 - 0.5 * slope, log1p(safe) / safe)
    # (1 - (1 + m)²) / (-2 m) = 1 + m / 2
    variance = state["galerkin.variance"] * factor / (1.0 + 0.5 * slope)
    return Drift(
        intercept=factor * intercept,
        slope=factor * slope,
        corrections=factor * _at_knots(state),
        variance=jnp.minimum(variance, LARGEST_VARIANCE),
    )


def _line(state: State) -> tuple[Float[Array, "1 lanes"], Float[Array, "1 lanes"]]:
    weight, x, y, xx, xy = (state[f"galerkin.{name}"] for name in _MOMENTS)
    weight = weight + RIDGE
    mean_x, mean_y = x / weight, y / weight
    slope = (xy - x * mean_y) / (xx - x * mean_x + RIDGE)
    slope = jnp.clip(slope, STEEPEST_FALL, STEEPEST_RISE)
    return mean_y - slope * mean_x, slope


def _at_knots(state: State) -> Float[Array, "knots lanes"]:
    return state["galerkin.knot_sums"] / (state["galerkin.knot_weights"] + RIDGE)


def _correction(state: State, x: Float[Array, "1 lanes"]) -> Float[Array, "1 lanes"]:
    terms = _closeness(x)[:, 0] * _at_knots(state)
    return total(terms)


def _closeness(x: Float[Array, "points lanes"]) -> Float[Array, "knots points lanes"]:
    """Gaussian weights of the knots at x; they sum to one."""
    knots = jnp.asarray(np.array(KNOTS), x.dtype)[:, None, None]
    weight = jnp.exp(-0.5 * jnp.square(x[None] - knots))
    return weight / total(weight)
