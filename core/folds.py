"""Sums and extremes along an axis, in a written order.

A reduction of XLA's leaves the order to the backend, and costs more on its CPU backend: what is
fused into one runs lane by lane, and every call of the program makes three buffers for each.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Shaped

from core.barrier import settle

__all__ = ["largest", "smallest", "total"]

_LONGEST = 32
"""Terms of one loop: much longer ones are not unrolled, and then not vectorised over the lanes."""


def total(values: Shaped[Array, "..."], axis: int = 0) -> Shaped[Array, "..."]:
    """The sum along an axis, which stays, of length 1."""
    return _fold(jnp.add, values, axis)


def largest(values: Shaped[Array, "..."], axis: int = 0) -> Shaped[Array, "..."]:
    """The maximum along an axis, which stays, of length 1; NaN where there is one."""
    return _fold(jnp.maximum, values, axis)


def smallest(values: Shaped[Array, "..."], axis: int = 0) -> Shaped[Array, "..."]:
    """The minimum along an axis, which stays, of length 1; NaN where there is one."""
    return _fold(jnp.minimum, values, axis)


def _fold(
    combine: Callable[[Array, Array], Array], values: Shaped[Array, "..."], axis: int
) -> Shaped[Array, "..."]:
    """Many terms in two stages of about the square root of their number: sums round less."""
    length = values.shape[axis]
    if length > _LONGEST:
        stretches = min(k for k in range(1, length + 1) if length % k == 0 and k * k >= length)
        values = settle(_combined(combine, values, axis, stretches))
        length //= stretches
    return _combined(combine, values, axis, length)


def _combined(
    combine: Callable[[Array, Array], Array], values: Shaped[Array, "..."], axis: int, parts: int
) -> Shaped[Array, "..."]:
    first, *rest = jnp.split(values, parts, axis)
    for part in rest:
        first = combine(first, part)
    return first
