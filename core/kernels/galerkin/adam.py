"""Adam (Kingma & Ba 2015) with the gradient's norm clipped, one optimiser per lane."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.folds import total

__all__ = ["Adam", "descend"]

LEARNING_RATE = 1e-2
FIRST_DECAY = 0.8
"""Less inertia than the usual 0.9: after a jump of the drift it swings back twice as soon."""
SECOND_DECAY = 0.99
"""A memory of 100 steps rather than Adam's usual 1000: the equation moves with its drift."""
EPSILON = 1e-8
GRADIENT_NORM = 10.0
_STEPS_CAP = 2.0**20


class Adam(NamedTuple):
    """Parameters and moments [parameters, lanes]; steps taken [1, lanes]."""

    parameters: Float[Array, "parameters lanes"]
    first: Float[Array, "parameters lanes"]
    second: Float[Array, "parameters lanes"]
    steps: Float[Array, "1 lanes"]


def descend(past: Adam, gradient: Float[Array, "parameters lanes"]) -> Adam:
    """One step. A gradient that is not finite is taken as zero: the moments must survive it."""
    finite = jnp.isfinite(gradient)
    gradient = jnp.where(finite, gradient, 0.0)
    norm = jnp.sqrt(total(jnp.square(gradient)))
    gradient = gradient * jnp.minimum(1.0, GRADIENT_NORM / jnp.maximum(norm, 1e-30))
    steps = jnp.minimum(past.steps + 1.0, _STEPS_CAP)
    first = FIRST_DECAY * past.first + (1.0 - FIRST_DECAY) * gradient
    second = SECOND_DECAY * past.second + (1.0 - SECOND_DECAY) * jnp.square(gradient)
    mean = first / (1.0 - jnp.exp(steps * math.log(FIRST_DECAY)))
    square = second / (1.0 - jnp.exp(steps * math.log(SECOND_DECAY)))
    moved = past.parameters - LEARNING_RATE * mean / (jnp.sqrt(square) + EPSILON)
    return Adam(moved, first, second, steps)
