"""The network N(t, x): two hidden layers of 16 tanh units, lanes last, with exact derivatives.

Derivatives go forward with the values (a second-order jet in x, first order in t), so that one
reverse pass gives the gradient of a residual that contains them.
"""

from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from core.barrier import reshaped, settle
from core.kernels.galerkin.contraction import contract, over_points

__all__ = ["DOMAIN", "PARAMETERS", "Jet", "initial_parameters", "jet", "value_at_start"]

UNITS = 16
DOMAIN = 3.0
"""The network is trained on x in [-DOMAIN, DOMAIN]."""
_SHAPES = {
    "time": (UNITS,),
    "space": (UNITS,),
    "bias": (UNITS,),
    "hidden": (UNITS, UNITS),
    "hidden_bias": (UNITS,),
    "out": (1, UNITS),
    "out_bias": (1,),
}
_SIZES = {name: int(np.prod(shape)) for name, shape in _SHAPES.items()}
PARAMETERS = sum(_SIZES.values())
SHARES = {"hidden": 0.5, "out": 0.25}
"""Factors of the sums over units: they set how far one step of Adam moves the function. Larger
ones follow a jump of the drift sooner and rest less quietly; chosen on the tuning seeds."""
_SPREAD = {"time": 0.8, "space": 1.7, "bias": 1.0, "hidden": 1.5}
"""Half width of the uniform law a parameter starts from; those of the output start at zero."""


AnyArray = TypeVar("AnyArray", Array, np.ndarray)


class Jet(NamedTuple):
    """A function of (t, x) and its derivatives at the points, each [1 or points, lanes]."""

    value: Float[Array, "points lanes"]
    t: Float[Array, "points lanes"]
    x: Float[Array, "points lanes"]
    xx: Float[Array, "points lanes"]


def jet(
    parameters: Float[Array, "parameters lanes"],
    t: Float[Array, "points 1"],
    x: Float[Array, "points 1"],
) -> Jet:
    """N with N_t, N_x and N_xx at fixed points."""
    w = _named(parameters)
    points = len(t)
    time, space, bias, hidden_bias = (
        over_points(_row(w[name]), points) for name in ("time", "space", "bias", "hidden_bias")
    )
    z = time * t + space * (x / DOMAIN) + bias
    hidden = contract(w["hidden"], _tanh(z, time, space / DOMAIN, jnp.zeros_like(z)))
    z, z_t, z_x, z_xx = lax.split(hidden, [points] * 4, axis=0)
    out = contract(w["out"], _tanh(z + hidden_bias, z_t, z_x, z_xx))
    n, n_t, n_x, n_xx = lax.split(out, [points] * 4, axis=0)
    return Jet(n + over_points(w["out_bias"], points), n_t, n_x, n_xx)


def value_at_start(
    parameters: Float[Array, "parameters lanes"], x: Float[Array, "points 1"]
) -> Float[Array, "points lanes"]:
    """N(0, x)."""
    w = _named(parameters)
    first = settle(jnp.tanh(_row(w["space"]) * (x / DOMAIN) + _row(w["bias"])))
    second = settle(jnp.tanh(contract(w["hidden"], first) + _row(w["hidden_bias"])))
    return contract(w["out"], second) + w["out_bias"]


def initial_parameters(generation: AnyArray) -> AnyArray:
    """Where training begins, again and again differently: a hash of (row, generation) decides.

    The output layer is zero, so that u starts as the terminal condition. Of a NumPy array NumPy
    makes the same bits: a process that starts need not compile for that.

    Args:
        generation: [1, lanes].

    Returns:
        [parameters, lanes].
    """
    xp: Any = np if isinstance(generation, np.ndarray) else jnp
    widths = np.concatenate([np.full(n, _SPREAD.get(name, 0.0)) for name, n in _SIZES.items()])
    row = xp.arange(PARAMETERS, dtype=np.uint32)[:, None]
    unit = _hash(row * np.uint32(0x9E3779B1) + generation.astype(np.uint32) * np.uint32(0x85EBCA77))
    uniform = (unit >> 8).astype(generation.dtype) * (2.0 / 2**24) - 1.0
    parameters: AnyArray = uniform * xp.asarray(widths, generation.dtype)[:, None]
    return parameters


def _row(weights: Float[Array, "units lanes"]) -> Float[Array, "1 units_x_lanes"]:
    """Units and lanes in one row: a loop over a few lanes alone would not be vectorised."""
    return reshaped(weights, 1, -1)


def _slices(parameters: Float[Array, "parameters lanes"]) -> dict[str, Array]:
    named, row = {}, 0
    for name, shape in _SHAPES.items():
        weights = parameters[row : row + _SIZES[name]].reshape(*shape, -1)
        named[name] = weights * SHARES.get(name, 1.0)
        row += _SIZES[name]
    return named


def _gathered(gradients: dict[str, Array]) -> Float[Array, "parameters lanes"]:
    parts = (gradients[name] * SHARES.get(name, 1.0) for name in _SHAPES)
    return jnp.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])


# The gradient by hand: that of seven slices would be seven padded arrays of all parameters, summed.
_named = jax.custom_vjp(_slices)
_named.defvjp(
    lambda parameters: (_slices(parameters), None),
    lambda _, gradients: (_gathered(settle(gradients)),),
)


def _tanh(z: Array, z_t: Array, z_x: Array, z_xx: Array) -> Float[Array, "points4 units_x_lanes"]:
    """The chain rule through tanh; the four parts one after the other along the points."""
    a = jnp.tanh(z)
    slope = 1.0 - a * a
    a_x = slope * z_x
    return settle(jnp.concatenate([a, slope * z_t, a_x, slope * z_xx - 2.0 * a * a_x * z_x]))


def _hash(x: Array) -> Array:
    """The 32-bit finaliser of MurmurHash3 (Appleby, public domain)."""
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    return x ^ (x >> 16)
