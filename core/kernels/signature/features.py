"""What the readouts see of a signature: few coordinates, of order one, chosen by forecast skill.

All words of a depth are far too many for a regression (62 per half-life) and nearly collinear:
shuffle products repeat every coordinate of the logarithm. Since the clock is regular, a word
with one price is a linear filter of the increments; a word with two is even in the price and
says nothing about its direction; words with three are what a linear model cannot see.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.config import PredictorConfig
from core.kernels.signature.tensor import Tensor, logarithm
from core.kernels.signature.words import row

__all__ = ["RUNGS", "Coordinate", "coordinates", "count", "read", "rungs"]

RUNGS = (2, 3, 5)
"""Depths that have a readout (predictor.md, section 7)."""
BOUND = 8.0
_T, _X = 0, 1


class Coordinate(NamedTuple):
    """One number of a signature.

    Attributes:
        word: letters, time 0 and price 1.
        path: which of the paths that are kept (half-lives).
        of_logarithm: the word's coefficient in the logarithm instead of the signature.
    """

    word: tuple[int, ...]
    path: int = 0
    of_logarithm: bool = False


_FADING: dict[int, tuple[Coordinate, ...]] = {
    2: (
        Coordinate((_X,), 0),
        Coordinate((_X,), 1),
        Coordinate((_X,), 2),
        Coordinate((_T, _X), 0, of_logarithm=True),
    ),
    3: (Coordinate((_X, _X, _X)),),
    5: (Coordinate((_T, _T, _X, _X, _X)), Coordinate((_T, _X, _X, _T, _X))),
}
_WINDOW: dict[int, tuple[Coordinate, ...]] = {
    2: (Coordinate((_X,)), Coordinate((_T, _X), of_logarithm=True)),
    3: (Coordinate((_T, _T, _X), of_logarithm=True), Coordinate((_X, _X, _X))),
    5: (
        Coordinate((_T, _T, _T, _X), of_logarithm=True),
        Coordinate((_T, _T, _T, _T, _X), of_logarithm=True),
    ),
}


def rungs(config: PredictorConfig) -> tuple[int, ...]:
    """Depths with a readout under a configuration, shallow first."""
    return tuple(depth for depth in RUNGS if depth <= config.log_sig_depth)


def coordinates(config: PredictorConfig, depth: int) -> tuple[Coordinate, ...]:
    """What the readout of a depth sees, beside the newest increment; shallower ones come first."""
    table = _FADING if config.kernel_d == "fading" else _WINDOW
    return tuple(c for level, added in table.items() if level <= depth for c in added)


def count(config: PredictorConfig, depth: int) -> int:
    """Features of a depth, the newest increment included."""
    return 1 + len(coordinates(config, depth))


def read(
    config: PredictorConfig, signature: Tensor, increment: Float[Array, "1 lanes"]
) -> Float[Array, "features lanes"]:
    """Features of the deepest rung; the first `count` of them are those of a shallower one.

    Level k is scaled by sqrt(k!), so that a word of k equal letters is a power over its square
    root; then everything is clipped.
    """
    wanted = coordinates(config, rungs(config)[-1])
    deepest = max(len(c.word) for c in wanted if c.of_logarithm)
    plain, logs = _levels(signature), _levels(logarithm(signature[:deepest]))
    rows = [increment]
    for word, path, of_logarithm in wanted:
        source = logs if of_logarithm else plain
        rows.append(source[row(word)][path][None] * math.sqrt(math.factorial(len(word))))
    return jnp.clip(jnp.concatenate(rows), -BOUND, BOUND)


def _levels(tensor: Tensor) -> Sequence[Float[Array, "paths lanes"]]:
    return [flat for level in tensor for flat in level]
