"""What a tick needs of a trained network: u(0, x) - x as a Chebyshev series, and its entropy.

The step evaluates 20 coefficients instead of 337 parameters, and the network stays where only
training touches it.
"""

import functools
from decimal import Decimal
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.exact import pseudo_inverse
from core.folds import total
from core.kernels.galerkin.entropy import ENTROPY_GRID, TERMINAL_ENTROPY
from core.kernels.galerkin.network import DOMAIN

__all__ = ["SURFACE_ROWS", "Surface", "evaluate", "fit", "fresh_surface"]

_DEGREE = 19
"""Least squares on evenly spaced points stay well conditioned up to about 2 sqrt(128)."""
SURFACE_ROWS = _DEGREE + 1 + 3


class Surface(NamedTuple):
    """The rows in which a trained network meets the step.

    Attributes:
        coefficients: of u(0, x) - x over [-3, 3].
        entropy: of u(0, .), nats; x counts as uniform over the domain.
        power: exp(entropy - reference): the spread of u as a share of what it should be.
        generation: how often the network had been initialised anew.
    """

    coefficients: Float[Array, "degrees lanes"]
    entropy: Float[Array, "1 lanes"]
    power: Float[Array, "1 lanes"]
    generation: Float[Array, "1 lanes"]

    @classmethod
    def of(cls, rows: Float[Array, "surface lanes"]) -> "Surface":
        """Read packed rows."""
        return cls(rows[:-3], rows[-3:-2], rows[-2:-1], rows[-1:])


def fit(values: Float[Array, "points lanes"]) -> Float[Array, "degrees lanes"]:
    """Coefficients of the least-squares polynomial through values on the entropy grid."""
    matrix = jnp.asarray(_least_squares(), values.dtype)[:, :, None]
    return total(matrix * values[None], axis=1)[:, 0]


@functools.cache
def _least_squares() -> Float[np.ndarray, "degrees points"]:
    """Coefficients from the values on the grid."""
    x = np.array([Decimal(point) for point in ENTROPY_GRID[:, 0] / DOMAIN])
    polynomials = [x**0, x]
    while len(polynomials) <= _DEGREE:
        polynomials.append(2 * x * polynomials[-1] - polynomials[-2])
    return pseudo_inverse(np.stack(polynomials, axis=1))


def evaluate(
    coefficients: Float[Array, "degrees lanes"], x: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """u(0, x) - x by Clenshaw's recurrence, x in [-3, 3]."""
    s = x / DOMAIN
    after = jnp.zeros_like(s)
    now = coefficients[_DEGREE : _DEGREE + 1]
    for k in range(_DEGREE - 1, 0, -1):
        now, after = coefficients[k : k + 1] + 2.0 * s * now - after, now
    return coefficients[0:1] + s * now - after


def fresh_surface(dtype: str) -> Float[np.ndarray, " surface"]:
    """Of a network that has not been trained: u(0, x) = x."""
    rows = np.zeros(SURFACE_ROWS, dtype=dtype)
    rows[-3], rows[-2] = TERMINAL_ENTROPY, 1.0
    return rows
