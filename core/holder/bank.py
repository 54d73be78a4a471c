"""A bank of one-step predictors, one per Hölder exponent, scored by their recent errors.

With the scale profiled out, the Gaussian log-likelihood of exponent H is, up to a constant,
-W/2 · log(sum of squared one-step errors of its filter): only the forgetting sums are kept, and
no logarithm is taken except at the peak. The invariant: sums run over rows in a written order,
never over lanes, so a lane's bits do not depend on its place or its neighbours.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.holder.correlation import correlate
from core.holder.fgn import HURST_GRID, HURST_STEP, predictor_table
from core.logarithm import log

__all__ = ["FILTERS", "Peak", "locate_peak", "posterior_forecast", "predict", "push"]

FILTERS = len(HURST_GRID)
_PRIOR_PRECISION = 12.0 / 0.9**2
"""Of a uniform law on the grid: caps the standard error while nothing is known."""
_NEUTRAL_WEIGHT = 4.0
"""Errors scored before the peak is believed more than H = 1/2."""
_CALIBRATION = 1.05
"""Measured spread over curvature spread (`benchmarks/detectors.py`, table `holder`)."""


class Peak(NamedTuple):
    """The exponent that predicted best, and how sharply. Each [1, lanes]."""

    exponent: Float[Array, "1 lanes"]
    standard_error: Float[Array, "1 lanes"]


def predict(past: Float[Array, "order lanes"]) -> Float[Array, "filters lanes"]:
    """One-step prediction of every filter from the increments in `past`, newest first."""
    return correlate(predictor_table(past.shape[0]), past)


def push(
    past: Float[Array, "order lanes"], newest: Float[Array, "1 lanes"]
) -> Float[Array, "order lanes"]:
    """Shift register: `newest` becomes row 0 and the oldest row is dropped."""
    return jnp.concatenate([newest, past[:-1]])


def locate_peak(
    losses: Float[Array, "filters lanes"], weight: Float[Array, "1 lanes"], *, forgetting: float
) -> Peak:
    """Parabolic peak of the profile likelihood, with a sandwich standard error.

    Args:
        losses: forgetting sums of squared one-step errors, one row per exponent of the grid.
        weight: the sum of the same weights, W = (1 - f^n) / (1 - f).
        forgetting: the factor f by which both decay per scored increment.

    The curvature of the weighted likelihood overstates what is known: its variance is scaled by
    sum(w²)/sum(w) = (2 - (1 - f) W) / (1 + f). The parabola's vertex needs the two neighbours of
    the best filter, so the ends of the grid are reached by extrapolation of one step at most.
    """
    best, left, right = losses[1:2], losses[0:1], losses[2:3]
    centre = jnp.full_like(best, float(HURST_GRID[1]))
    for i in range(2, FILTERS - 1):
        better = losses[i : i + 1] < best
        left = jnp.where(better, losses[i - 1 : i], left)
        right = jnp.where(better, losses[i + 1 : i + 2], right)
        best = jnp.where(better, losses[i : i + 1], best)
        centre = jnp.where(better, float(HURST_GRID[i]), centre)
    floor = float(np.finfo(losses.dtype).tiny)
    rise_left = log((left + floor) / (best + floor))
    rise_right = log((right + floor) / (best + floor))
    bend = jnp.maximum(rise_left + rise_right, float(np.finfo(losses.dtype).eps))
    vertex = centre + HURST_STEP * jnp.clip(0.5 * (rise_left - rise_right) / bend, -1.0, 1.0)
    trust = weight**2 / (weight**2 + _NEUTRAL_WEIGHT**2)
    overlap = (2.0 - (1.0 - forgetting) * weight) / (1.0 + forgetting)
    precision = 0.5 * weight * bend / (HURST_STEP**2 * overlap * _CALIBRATION**2)
    return Peak(0.5 + trust * (vertex - 0.5), 1.0 / jnp.sqrt(precision + _PRIOR_PRECISION))


def posterior_forecast(
    predictions: Float[Array, "filters lanes"], peak: Peak
) -> Float[Array, "1 lanes"]:
    """Mean of the filters' predictions under the normal posterior of the exponent."""
    total = jnp.zeros_like(peak.exponent)
    mass = jnp.zeros_like(peak.exponent)
    for i in range(FILTERS):
        # The nearest filter is within half a grid step, so the mass cannot vanish.
        spread = jnp.maximum(peak.standard_error, 0.25 * HURST_STEP)
        weight = jnp.exp(-0.5 * ((float(HURST_GRID[i]) - peak.exponent) / spread) ** 2)
        total = total + weight * predictions[i : i + 1]
        mass = mass + weight
    return total / mass
