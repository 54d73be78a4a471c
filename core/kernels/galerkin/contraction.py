"""Weighted sums over units, one weight matrix per lane, and their gradient.

Written out as sums in a fixed order: a batched `dot` may add in another order for another batch.
The gradient is given by hand, because the transpose of unrolled slices is a chain of pads.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from core.barrier import reshaped, settle
from core.folds import total

__all__ = ["contract", "over_points"]

_Saved = tuple[Float[Array, "out units lanes"], Float[Array, "points units_x_lanes"]]

_STRETCHES = 8
"""Divides the number of points."""


def contract(
    weights: Float[Array, "out units lanes"], inputs: Float[Array, "points units_x_lanes"]
) -> Float[Array, "points out_x_lanes"]:
    """Sum over units of weights times inputs, lane by lane.

    Units and lanes lie beside each other, in rows of points: a stride of a power of two between
    the terms of a sum would put them all into one set of a core's first cache. The weights are
    turned for the same loops: of one lane alone the units are what is vectorised over.
    """
    result: Array = _contract(weights, inputs)
    return result


def over_points(row: Float[Array, "1 *rest"], points: int) -> Float[Array, "points *rest"]:
    """The same row at every point; its gradient is a sum in a written order."""
    result: Array = _over_points(row, points)
    return result


def _sum(count: int, term: Callable[[int], Array]) -> Array:
    summed = term(0)
    for k in range(1, count):
        summed = summed + term(k)
    return summed


def _product(weights: Array, inputs: Array) -> Array:
    units, lanes = weights.shape[1:]
    inputs = inputs.reshape(-1, units, lanes)
    by_unit = settle(weights.transpose(1, 0, 2))
    summed = _sum(units, lambda u: by_unit[None, u] * inputs[:, u, None])
    return reshaped(summed, len(inputs), -1)


def _forward(weights: Array, inputs: Array) -> tuple[Array, _Saved]:
    return _product(weights, inputs), (weights, inputs)


def _backward(saved: _Saved, cotangent: Array) -> tuple[Array, Array]:
    weights, inputs = saved
    out, units, lanes = weights.shape
    g = settle(cotangent).reshape(-1, out, lanes)
    by_weight = _outer_over_points(g, settle(inputs).reshape(-1, units, lanes))
    by_input = _sum(out, lambda o: weights[None, o] * g[:, o, None])
    return by_weight, reshaped(by_input, len(inputs), -1)


def _outer_over_points(
    g: Float[Array, "points out lanes"], inputs: Float[Array, "points units lanes"]
) -> Float[Array, "out units lanes"]:
    """Sum over points, in two stages: one loop over all of them is too long to be unrolled, and
    what is not unrolled is not vectorised over the lanes."""
    g, inputs = (a.reshape(_STRETCHES, -1, *a.shape[1:]) for a in (g, inputs))
    partial = settle(_sum(g.shape[1], lambda k: g[:, k, :, None] * inputs[:, k, None]))
    return settle(total(partial)[0])


def _repeated(row: Array, points: int) -> Array:
    return jnp.broadcast_to(row, (points, *row.shape[1:]))


_contract = jax.custom_vjp(_product)
_contract.defvjp(_forward, _backward)
_over_points = jax.custom_vjp(_repeated, nondiff_argnums=(1,))
_over_points.defvjp(
    lambda row, points: (_repeated(row, points), None),
    lambda _points, _, cotangent: (settle(total(settle(cotangent))),),
)
