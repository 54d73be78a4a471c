"""Central moments of sliding windows, kept by blocks.

A window of 252 rows is twelve blocks of 21. A tick changes one row, so only its block is measured
again, in two passes, and the blocks are merged: an order of magnitude less work than two passes
over the window, and nothing drifts, because no sum is ever updated by a difference.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.barrier import settle
from core.folds import total

__all__ = ["Moments", "measure", "merge", "without"]


class Moments(NamedTuple):
    """Mean and sums of the second to fourth powers of the deviations from it."""

    mean: Float[Array, "blocks lanes"]
    second: Float[Array, "blocks lanes"]
    third: Float[Array, "blocks lanes"]
    fourth: Float[Array, "blocks lanes"]


def measure(rows: Float[Array, "rows lanes"]) -> Moments:
    """Moments of one block, in two passes."""
    mean = settle(total(rows) / rows.shape[0])
    deviation = rows - mean
    square = jnp.square(deviation)
    return Moments(mean, total(square), total(square * deviation), total(jnp.square(square)))


def merge(blocks: Moments, *, size: int) -> Moments:
    """Moments of blocks of `size` rows taken together (Pébay 2008, equations 3.1 to 3.3)."""
    mean = settle(total(blocks.mean) / blocks.mean.shape[0])
    shift = blocks.mean - mean
    square = jnp.square(shift)
    second = blocks.second + size * square
    third = blocks.third + shift * (3.0 * blocks.second + size * square)
    fourth = blocks.fourth + 4.0 * shift * blocks.third
    fourth = fourth + square * (6.0 * blocks.second + size * square)
    second, third, fourth = settle((second, third, fourth))
    return Moments(mean, total(second), total(third), total(fourth))


def without(whole: Moments, row: Float[Array, "1 lanes"], *, size: int) -> Moments:
    """Moments of the `size` rows less one of them: `merge` of a block and a row, solved."""
    rest = size - 1.0
    gap = (row - whole.mean) * (size / rest)
    share = gap / size
    second = whole.second - gap * share * rest
    third = whole.third - gap * share * share * rest * (size - 2.0) + 3.0 * share * second
    fourth = (
        whole.fourth
        - gap * share**3 * rest * (size * size - 3.0 * size + 3.0)
        - 6.0 * share**2 * second
        + 4.0 * share * third
    )
    return Moments(whole.mean - share, jnp.maximum(second, 0.0), third, jnp.maximum(fourth, 0.0))
