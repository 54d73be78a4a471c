"""The truncated tensor algebra over two letters, time and price; lanes last.

An element with scalar part 1 is a tuple of levels: level k holds the coefficients of the 2^k words
of length k in lexicographic order, [2^k, ...]; the scalar part is not stored. Everything behind
the first axis is batch. The invariant: group-like elements (signatures) stay group-like.
"""

from collections.abc import Sequence
from functools import reduce

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = [
    "LETTERS",
    "Tensor",
    "chen",
    "dilate",
    "exponential",
    "flatten",
    "identity",
    "logarithm",
    "multiply_exponential",
    "terms",
    "unflatten",
]

LETTERS = 2

Tensor = tuple[Float[Array, "_ *batch"], ...]
"""Levels 1 to depth."""


def terms(depth: int) -> int:
    """Words of length 1 to `depth`: 6, 14, 62 for depths 2, 3, 5."""
    return sum(LETTERS**k for k in range(1, depth + 1))


def identity(depth: int, like: Float[Array, "2 *batch"]) -> Tensor:
    """The signature of a path that has not moved, in the shape and dtype of a segment."""
    return tuple(jnp.zeros((LETTERS**k, *like.shape[1:]), like.dtype) for k in range(1, depth + 1))


def exponential(segment: Float[Array, "2 *batch"], depth: int) -> Tensor:
    """Signature of one straight segment: level k is its k-th tensor power over k factorial."""
    levels = [segment]
    for k in range(2, depth + 1):
        levels.append(_outer(levels[-1], segment / k))
    return tuple(levels)


def multiply_exponential(tensor: Tensor, segment: Float[Array, "2 *batch"]) -> Tensor:
    """`chen(tensor, exponential(segment))` without forming the exponential.

    Level k is a Horner scheme in the segment, (((dx/k + S_1) dx/(k-1) + S_2) ...) dx/1 + S_k:
    one product a level instead of k (Kidger & Lyons, Signatory, 2021, section 3).
    """
    powers = [segment / k for k in range(1, len(tensor) + 1)]
    levels = []
    for k in range(1, len(tensor) + 1):
        part = powers[k - 1]
        for j in range(1, k):
            part = _outer(tensor[j - 1] + part, powers[k - 1 - j])
        levels.append(tensor[k - 1] + part)
    return tuple(levels)


def chen(left: Tensor, right: Tensor) -> Tensor:
    """Signature of two paths, one after the other (Chen 1957): the truncated tensor product."""
    levels = []
    for k in range(1, len(left) + 1):
        products = [_outer(left[j - 1], right[k - j - 1]) for j in range(1, k)]
        levels.append(reduce(jnp.add, products, left[k - 1] + right[k - 1]))
    return tuple(levels)


def dilate(tensor: Tensor, factor: Float[Array, "*batch"] | float) -> Tensor:
    """Signature of the path scaled by `factor`: level k times factor^k."""
    levels, power = [], factor
    for level in tensor:
        levels.append(level * power)
        power = power * factor
    return tuple(levels)


def logarithm(tensor: Tensor) -> Tensor:
    """The logarithm in the tensor algebra: sum over n of (-1)^(n+1) (S - 1)^n / n.

    As a Horner scheme: S' (1 - S' (1/2 - S' (1/3 - ...))) with S' = S - 1, whose products need
    one level less at every step inward.
    """
    depth = len(tensor)
    inner = tuple(level / depth for level in tensor[:1])
    for n in range(depth - 1, 0, -1):
        size = depth - n + 1
        product = _product_without_units(tensor[:size], inner)
        scaled = [level / n for level in tensor[:size]]
        inner = (scaled[0], *(a - b for a, b in zip(scaled[1:], product, strict=True)))
    return inner


def flatten(tensor: Tensor) -> Float[Array, "terms *batch"]:
    """All levels one after the other."""
    return jnp.concatenate(tensor)


def unflatten(rows: Float[Array, "terms *batch"], depth: int) -> Tensor:
    """Inverse of `flatten`; rows beyond `depth` are left out."""
    starts = [terms(k) for k in range(depth)]
    return tuple(rows[at : at + LETTERS ** (k + 1)] for k, at in enumerate(starts))


def _product_without_units(left: Tensor, right: Tensor) -> Sequence[Float[Array, "_ *batch"]]:
    """Levels 2 to len(left) of a product whose factors have no scalar part."""
    return [
        reduce(jnp.add, [_outer(left[j - 1], right[k - j - 1]) for j in range(1, k)])
        for k in range(2, len(left) + 1)
    ]


def _outer(
    left: Float[Array, "m *batch"], right: Float[Array, "n *batch"]
) -> Float[Array, "m*n *batch"]:
    """Concatenation of words: every word of the left followed by every word of the right."""
    product = left[:, None] * right[None]
    return product.reshape(left.shape[0] * right.shape[0], *product.shape[2:])
