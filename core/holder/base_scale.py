"""On which lag the path's roughness is read, so that trading noise does not count as roughness.

Bid-ask bounce and a coarse price grid make one-tick increments reverse; a filter bank then reports
H near 0.2 for a path that is Brownian at every scale a trader can use. Two observations disclose
it: a coarser lag shows a larger exponent over the same stretch of time, or most increments are
zero. The invariant: a true change of roughness, which lowers the exponent at every lag, must not
move the base lag; so levels are compared only over matched memories.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from core.holder.bank import Peak

__all__ = [
    "AUTO_LAGS",
    "MIN_BLOCKS",
    "coarse_lags",
    "due_levels",
    "select_base",
    "zero_increment_lag",
]

AUTO_LAGS = (4, 16, 64, 256)
"""Coarse levels of `holder_base_scale="auto"`, in ticks; powers of four, see `due_levels`."""
_REFUTE_ERRORS = 3.5
_RETAIN_ERRORS = 2.0
_DOUBT_ERRORS = 1.5
_BROWNIAN = 0.5
"""Trading noise makes a path look rougher. A lag that reads above this has none to speak of; a
coarser one that reads more still sees a path that has become smoother."""
MIN_BLOCKS = 24.0
"""Blocks a coarse level must have scored before it refutes, or is believed itself."""
_CHANGES_PER_LAG = 8.0


def coarse_lags(base_scale: int | str) -> tuple[int, ...]:
    """The lags kept beside lag 1 under the setting `holder_base_scale`."""
    if base_scale == "auto":
        return AUTO_LAGS
    return () if base_scale == 1 else (int(base_scale),)


def due_levels(
    ticks: Float[Array, "1 lanes"], lags: tuple[int, ...]
) -> Bool[Array, "levels 1 lanes"]:
    """Which level closes its block at this tick; at most one does.

    Level j closes at ticks congruent to j modulo its lag. Powers of four keep those residues
    apart for four levels, so that one evaluation of the filters serves them all.
    """
    lag = jnp.asarray(lags, ticks.dtype).reshape(-1, 1, 1)
    residue = jnp.arange(len(lags), dtype=ticks.dtype).reshape(-1, 1, 1)
    return ticks - lag * jnp.floor(ticks / lag) == residue


def zero_increment_lag(zero_share: Float[Array, "1 lanes"]) -> Float[Array, "1 lanes"]:
    """Smallest lag, in ticks, that spans eight price changes beyond what no zeros would need."""
    smallest = float(np.finfo(zero_share.dtype).eps)
    return _CHANGES_PER_LAG * zero_share / jnp.maximum(1.0 - zero_share, smallest)


class Levels(NamedTuple):
    """What the choice reads. Level 0 is lag 1; `blocks[j - 1]` is the forgetting-weighted number
    of blocks scored at level j; `matched[i, j]` the mean exponent of level i over the memory of
    the coarser level j."""

    peaks: tuple[Peak, ...]
    blocks: tuple[Float[Array, "1 lanes"], ...]
    matched: Mapping[tuple[int, int], Float[Array, "1 lanes"]]


def select_base(
    levels: Levels,
    *,
    lags: tuple[int, ...],
    minimum_lag: Float[Array, "1 lanes"],
    previous: Float[Array, "1 lanes"],
) -> tuple[Float[Array, "1 lanes"], Bool[Array, "1 lanes"]]:
    """Index of the finest level that is at least `minimum_lag` and that no coarser one refutes.

    Args:
        levels: exponents by level.
        lags: all lags, starting with 1, in ticks.
        minimum_lag: in ticks; beyond the coarsest lag it means the coarsest.
        previous: last tick's choice; a level once refuted stays so until the gap has narrowed.

    Returns:
        The index, and whether the chosen level is in doubt: nearly refuted, so that a low
        exponent there may still be trading noise, or hardly scored yet.
    """
    last = len(lags) - 1
    chosen = jnp.full_like(previous, float(last))
    doubtful = levels.blocks[last - 1] < MIN_BLOCKS
    for i in range(last - 1, -1, -1):
        needed = jnp.where(previous > i, _RETAIN_ERRORS, _REFUTE_ERRORS)
        rise = _rise(levels, lags, i)
        refuted = (minimum_lag > lags[i]) | (
            (rise > needed) & (levels.peaks[i].exponent < _BROWNIAN)
        )
        chosen = jnp.where(refuted, chosen, float(i))
        unsure = rise > _DOUBT_ERRORS
        if i > 0:
            unsure = unsure | (levels.blocks[i - 1] < MIN_BLOCKS)
        doubtful = jnp.where(refuted, doubtful, unsure)
    return chosen, doubtful


def _rise(levels: Levels, lags: tuple[int, ...], i: int) -> Float[Array, "1 lanes"]:
    """How far the exponents of the coarser levels lie above level i's, in standard errors.

    Levels read different scales, so their gaps are pooled as independent. Over the memory of
    level j, level i has averaged lags[j]/lags[i] times as many increments.
    """
    score = jnp.zeros_like(levels.blocks[0])
    total = jnp.zeros_like(score)
    for j in range(i + 1, len(lags)):
        variance = jnp.square(levels.peaks[j].standard_error) * (1.0 + lags[i] / lags[j])
        precision = jnp.where(levels.blocks[j - 1] >= MIN_BLOCKS, 1.0 / variance, 0.0)
        score = score + precision * (levels.peaks[j].exponent - levels.matched[i, j])
        total = total + precision
    return score / jnp.sqrt(jnp.maximum(total, 1.0))
