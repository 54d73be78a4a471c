"""Terminal-value problems on [0, 1] x [-3, 3], and how badly the network solves one.

The ansatz u = g + (1 - t) N meets the terminal condition exactly, so that the residual of the
equation at the collocation points is the whole loss (Sirignano & Spiliopoulos 2018, with the
boundary terms removed by construction: Lagaris, Likas & Fotiadis 1998).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.exact import cosine, to_float64
from core.kernels.galerkin.network import DOMAIN, Jet, jet

__all__ = ["COLLOCATION_X", "Equation", "backward_kolmogorov", "loss"]

_POINTS = 32


def _radical_inverse(index: int) -> float:
    """Van der Corput's sequence in base 2."""
    value, digit = 0.0, 0.5
    while index:
        value, digit, index = value + digit * (index % 2), digit / 2.0, index // 2
    return value


COLLOCATION_T = (np.arange(_POINTS)[:, None] + 0.5) / _POINTS
_COSINES = to_float64(cosine(_radical_inverse(k + 1)) for k in range(_POINTS))
COLLOCATION_X = -DOMAIN * _COSINES[:, None]
"""A Hammersley set, denser in x towards the ends, where a fit without a boundary is weakest."""


class Equation(NamedTuple):
    """u_t + f(x, u_x, u_xx) = 0 with u(1, x) = g(x).

    Attributes:
        terminal: g, g' and g'' at the collocation points, each broadcastable to [points, lanes].
        generator: f at the collocation points from u_x and u_xx.
    """

    terminal: tuple[Array, Array, Array]
    generator: Callable[[Array, Array], Array]


def backward_kolmogorov(
    drift: Float[Array, "points lanes"], variance: Float[Array, "1 lanes"]
) -> Equation:
    """u_t + b u_x + sigma²/2 u_xx = 0, u(1, x) = x: u(0, x) is the mean of X_1 given X_0 = x."""
    x = jnp.asarray(COLLOCATION_X, drift.dtype)
    return Equation(
        terminal=(x, jnp.ones_like(x), jnp.zeros_like(x)),
        generator=lambda u_x, u_xx: drift * u_x + 0.5 * variance * u_xx,
    )


def loss(
    parameters: Float[Array, "parameters lanes"], equation: Equation
) -> Float[Array, " lanes"]:
    """Mean squared residual over the collocation points."""
    dtype = parameters.dtype
    t, x = (jnp.asarray(p, dtype) for p in (COLLOCATION_T, COLLOCATION_X))
    u = _ansatz(equation.terminal, 1.0 - t, jet(parameters, t, x))
    return jnp.mean(jnp.square(u.t + equation.generator(u.x, u.xx)), axis=0)


def _ansatz(terminal: tuple[Array, Array, Array], left: Array, n: Jet) -> Jet:
    g, g_x, g_xx = terminal
    return Jet(g + left * n.value, left * n.t - n.value, g_x + left * n.x, g_xx + left * n.xx)
