"""Differential entropy of the network's solution by spacings of its order statistics.

V is read on a fixed grid of x, as if x were uniform: the values are evenly spaced quantiles, not
a sample, so that the estimator's only errors are those of the spacing.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from core.barrier import settle
from core.exact import logarithm
from core.folds import smallest, total
from core.kernels.galerkin.network import DOMAIN
from core.logarithm import log

__all__ = ["ENTROPY_GRID", "TERMINAL_ENTROPY", "spacing_entropy"]

_POINTS = 128
_SPACING = 3
"""m: steps to each side. Larger ones blur the tails, smaller ones see rounding."""
_LEAST_DENSITY_INVERSE = 1e-30
ENTROPY_GRID = DOMAIN * ((2.0 * np.arange(_POINTS)[:, None] + 1.0) / _POINTS - 1.0)
"""Midpoints of 128 equal cells of [-3, 3]."""
TERMINAL_ENTROPY = float(logarithm(2.0 * DOMAIN))
"""Of g(x) = x on the grid; the estimator gives it exactly."""


def spacing_entropy(values: Float[Array, "points lanes"]) -> Float[Array, "1 lanes"]:
    """Vasicek's m-spacing estimate in nats (1976), with the true number of steps at the ends.

    mean of ln(n (v_(i+m) - v_(i-m)) / steps), v sorted; indices stop at the ends. Equal values
    count as a spacing of 1e-30: a delta has an entropy of about -70, not of minus infinity.
    """
    n, m = values.shape[0], _SPACING
    ordered = _ordered(values)
    above = jnp.concatenate([ordered[m:], jnp.repeat(ordered[-1:], m, axis=0)])
    below = jnp.concatenate([jnp.repeat(ordered[:1], m, axis=0), ordered[:-m]])
    index = np.arange(n)
    steps = np.minimum(index + m, n - 1) - np.maximum(index - m, 0)
    inverse = (above - below) * jnp.asarray(n / steps, values.dtype)[:, None]
    logarithm = log(jnp.maximum(inverse, _LEAST_DENSITY_INVERSE))
    return total(logarithm) / n


def _ordered(values: Float[Array, "points lanes"]) -> Float[Array, "points lanes"]:
    """Sorted where they are not ascending as they are: a solution of the equation mostly is, being
    a mean that rises with where it starts."""
    values = settle(values)
    rise = jnp.concatenate([values[1:], values[-1:]]) - values
    least = settle(smallest(smallest(rise), axis=1))[0, 0]
    ordered: Array = lax.cond(least >= 0.0, lambda it: it, _sorted, values)
    return ordered


def _sorted(values: Float[Array, "points lanes"]) -> Float[Array, "points lanes"]:
    """Ascending along the points, a power of two of them; not finite where a value is NaN.

    Batcher's bitonic network (1968): XLA's own sort calls its comparator once a pair, and took a
    quarter of the training.
    """
    size = 2
    while size <= len(values):
        distance = size // 2
        while distance:
            values = settle(_exchange(values, size, distance))
            distance //= 2
        size *= 2
    return values


def _exchange(
    values: Float[Array, "points lanes"], size: int, distance: int
) -> Float[Array, "points lanes"]:
    """Compare points that lie `distance` apart; runs of `size` ascend and descend in turn."""
    pairs = values.reshape(-1, 2, distance, values.shape[1])
    first, second = pairs[:, 0], pairs[:, 1]
    ascending = (np.arange(len(pairs)) * 2 * distance // size % 2 == 0)[:, None, None]
    low, high = jnp.minimum(first, second), jnp.maximum(first, second)
    exchanged = jnp.stack(
        [jnp.where(ascending, low, high), jnp.where(ascending, high, low)], axis=1
    )
    return exchanged.reshape(values.shape)
