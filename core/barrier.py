"""Values computed once: a fence that XLA's fusion does not look behind.

A fused loop recomputes what it reads, unless that is expensive. Without fences a quantity that
forty fields depend on is computed forty times.
"""

from typing import TypeVar

import jax
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata
from jaxtyping import Array

__all__ = ["reshaped", "settle"]

Tree = TypeVar("Tree")


def settle(values: Tree) -> Tree:
    """The same values, stored before anything reads them; likewise their gradients.

    Bits do not change. On CPU a call that is not inlined and does nothing: XLA drops its own fence
    there before it fuses, and cannot put it into one kernel (`core.kernel`).
    """
    settled: Tree = _settled(values)
    return settled


def reshaped(values: Array, *shape: int) -> Array:
    """In another shape, settled before and after it: a loop over the one shape that read the other
    would find every element by a division."""
    return settle(settle(values).reshape(shape))


def _fence(values: Tree) -> Tree:
    if jax.default_backend() != "cpu":
        fenced: Tree = lax.optimization_barrier(values)  # type: ignore[no-untyped-call]
        return fenced
    with set_xla_metadata(inlineable="false"):  # type: ignore[no-untyped-call]
        settled: Tree = _same(values)
    return settled


@jax.jit
def _same(values: Tree) -> Tree:
    return values


# A rule of its own: JAX's derivative of the call would be one without the mark, and be inlined.
_settled = jax.custom_vjp(_fence)
_settled.defvjp(lambda values: (_fence(values), None), lambda _, cotangent: (_fence(cotangent),))
