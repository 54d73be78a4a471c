"""Values computed once: a fence that XLA's fusion does not look behind.

A fused loop recomputes what it reads, unless that is expensive. Without fences a quantity that
forty fields depend on is computed forty times.
"""

from typing import TypeVar

from jax import lax

__all__ = ["settle"]

Tree = TypeVar("Tree")


def settle(values: Tree) -> Tree:
    """The same values, stored before anything reads them. Bits do not change.

    Takes effect on CPU only under the compiler options of `core.compiled`.
    """
    settled: Tree = lax.optimization_barrier(values)  # type: ignore[no-untyped-call]
    return settled
