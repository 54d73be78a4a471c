"""Weighted sums over units, one weight matrix per lane, and their gradient.

Written out as sums in a fixed order: a batched `dot` may add in another order for another batch.
The gradient is given by hand, because the transpose of unrolled slices is a chain of pads.
"""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from core.barrier import settle

__all__ = ["contract", "hold"]

_Saved = tuple[Float[Array, "out units lanes"], Float[Array, "units points lanes"]]

_STRETCHES = 16
"""Divides the number of points."""


def contract(
    weights: Float[Array, "out units lanes"], inputs: Float[Array, "units points lanes"]
) -> Float[Array, "out points lanes"]:
    """Sum over units of weights times inputs, lane by lane."""
    result: Array = _contract(weights, inputs)
    return result


def hold(values: Float[Array, "units points lanes"]) -> Float[Array, "units points lanes"]:
    """`settle` for values that are differentiated: its gradient is settled too."""
    result: Array = _hold(values)
    return result


def _sum(count: int, term: Callable[[int], Array]) -> Array:
    total = term(0)
    for k in range(1, count):
        total = total + term(k)
    return total


def _product(weights: Array, inputs: Array) -> Array:
    return settle(_sum(weights.shape[1], lambda u: weights[:, u, None] * inputs[None, u]))


def _forward(weights: Array, inputs: Array) -> tuple[Array, _Saved]:
    return _product(weights, inputs), (weights, inputs)


def _backward(saved: _Saved, cotangent: Array) -> tuple[Array, Array]:
    weights, inputs = saved
    g = settle(cotangent)
    by_weight = _over_points(g, settle(inputs))
    by_input = _sum(weights.shape[0], lambda o: weights[o, :, None] * g[o, None])
    return settle((by_weight, by_input))


def _over_points(g: Array, inputs: Array) -> Float[Array, "out units lanes"]:
    """Sum over points, in two stages: one loop over all of them is too long to be unrolled, and
    what is not unrolled is not vectorised over the lanes."""
    g, inputs = (a.reshape(a.shape[0], -1, _STRETCHES, a.shape[2]) for a in (g, inputs))
    partial = settle(_sum(g.shape[1], lambda k: g[:, None, k] * inputs[None, :, k]))
    return _sum(_STRETCHES, lambda k: partial[:, :, k])


_contract = jax.custom_vjp(_product)
_contract.defvjp(_forward, _backward)
_hold = jax.custom_vjp(settle)
_hold.defvjp(lambda values: (settle(values), None), lambda _, cotangent: (settle(cotangent),))
