"""Signatures with fading memory: every tick the past shrinks by a factor, then a segment follows.

    S <- dilate(S, lambda) (x) exp(dx)

is the signature of the path whose increment k ticks ago counts lambda^k, exactly. One product a
tick, no ring, and rounding errors shrink with the past.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.barrier import settle
from core.kernels.signature.tensor import (
    Tensor,
    dilate,
    flatten,
    multiply_exponential,
    terms,
    unflatten,
)
from core.layout import Field, State

__all__ = ["HALF_LIVES_TICKS", "fields", "segment", "update"]

HALF_LIVES_TICKS = (2.0, 8.0, 32.0)
_DECAY = np.array([0.5 ** (1.0 / half_life) for half_life in HALF_LIVES_TICKS])[:, None]


def fields(depth: int) -> tuple[Field, ...]:
    """The signatures, words first, half-lives second."""
    return (Field("signature.fading", "D", terms(depth) * len(HALF_LIVES_TICKS), 0.0),)


def update(
    state: State, increment: Float[Array, "1 lanes"], depth: int
) -> tuple[dict[str, Float[Array, "rows lanes"]], Tensor]:
    """Append one tick. Returns the new field and the levels, each [words, half-lives, lanes]."""
    stored = state["signature.fading"]
    decay = jnp.asarray(_DECAY, stored.dtype)
    past = unflatten(stored.reshape(terms(depth), len(HALF_LIVES_TICKS), -1), depth)
    moved = settle(multiply_exponential(dilate(past, decay), segment(increment)))
    return {"signature.fading": flatten(moved).reshape(stored.shape)}, moved


def segment(increment: Float[Array, "1 lanes"]) -> Float[Array, "2 half_lives lanes"]:
    """One tick of (time, price) for every half-life, in units that make level 1 of order one.

    Time sums to 1 in the long run; unit-variance white increments sum to unit variance.
    """
    time, price = 1.0 - _DECAY, np.sqrt(1.0 - np.square(_DECAY))
    clock = jnp.broadcast_to(
        jnp.asarray(time, increment.dtype), (len(HALF_LIVES_TICKS), increment.shape[1])
    )
    return jnp.stack([clock, jnp.asarray(price, increment.dtype) * increment])
