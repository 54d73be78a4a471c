"""Differential entropy of the network's solution by spacings of its order statistics.

V is read on a fixed grid of x, as if x were uniform: the values are evenly spaced quantiles, not
a sample, so that the estimator's only errors are those of the spacing.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.kernels.galerkin.network import DOMAIN

__all__ = ["ENTROPY_GRID", "TERMINAL_ENTROPY", "spacing_entropy"]

_POINTS = 128
_SPACING = 3
"""m: steps to each side. Larger ones blur the tails, smaller ones see rounding."""
_LEAST_DENSITY_INVERSE = 1e-30
ENTROPY_GRID = DOMAIN * ((2.0 * np.arange(_POINTS)[:, None] + 1.0) / _POINTS - 1.0)
"""Midpoints of 128 equal cells of [-3, 3]."""
TERMINAL_ENTROPY = float(np.log(2.0 * DOMAIN))
"""Of g(x) = x on the grid; the estimator gives it exactly."""


def spacing_entropy(values: Float[Array, "points lanes"]) -> Float[Array, "1 lanes"]:
    """Vasicek's m-spacing estimate in nats (1976), with the true number of steps at the ends.

    mean of ln(n (v_(i+m) - v_(i-m)) / steps), v sorted; indices stop at the ends. Equal values
    count as a spacing of 1e-30: a delta has an entropy of about -70, not of minus infinity.
    """
    n, m = values.shape[0], _SPACING
    ordered = jnp.sort(values, axis=0)
    above = jnp.concatenate([ordered[m:], jnp.repeat(ordered[-1:], m, axis=0)])
    below = jnp.concatenate([jnp.repeat(ordered[:1], m, axis=0), ordered[:-m]])
    index = np.arange(n)
    steps = np.minimum(index + m, n - 1) - np.maximum(index - m, 0)
    inverse = (above - below) * jnp.asarray(n / steps, values.dtype)[:, None]
    logarithm = jnp.log(jnp.maximum(inverse, _LEAST_DENSITY_INVERSE))
    return jnp.sum(logarithm, axis=0, keepdims=True) / n
