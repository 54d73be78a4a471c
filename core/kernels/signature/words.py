"""Words over the letters time (0) and price (1): their rows, and those that span a logarithm."""

import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.kernels.signature.tensor import LETTERS, terms

__all__ = ["compress", "lyndon_words", "row"]

Word = tuple[int, ...]


def row(word: Word) -> int:
    """Row of a word in a flattened tensor: levels in order, each lexicographic."""
    value = 0
    for letter in word:
        value = LETTERS * value + letter
    return terms(len(word) - 1) + value


def lyndon_words(depth: int) -> tuple[Word, ...]:
    """Words smaller than all their rotations, by length, then lexicographic: 3, 5, 14 of them.

    As many as the free Lie algebra has dimensions, so the coefficients of these words determine
    a logarithm (Reutenauer, Free Lie Algebras, 1993, section 5.1).
    """
    words = (w for k in range(1, depth + 1) for w in itertools.product(range(LETTERS), repeat=k))
    return tuple(w for w in words if all(w < w[i:] + w[:i] for i in range(1, len(w))))


def compress(
    logarithm: Float[Array, "terms *batch"], depth: int
) -> Float[Array, "coordinates *batch"]:
    """Coefficients of the Lyndon words of a flattened logarithm."""
    return jnp.asarray(logarithm)[np.array([row(w) for w in lyndon_words(depth)])]
