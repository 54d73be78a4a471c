"""Which ticks of a batch run apart from their tile: those of its busiest assets, when few are left.

A tile takes a call for each round, however few of its assets still have ticks in it. An asset's own
run costs nothing for the others, but a little to begin with. So where activity is uneven a tile's
first rounds are run together and the rest asset by asset. Pure arithmetic on counts; bits do not
depend on it.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from core import TILE_WIDTH

__all__ = ["shared_rounds", "ticks_alone"]

_TICK: Final = 0.035
"""What a tick alone costs, in calls of the step; measured as 0.027 in float64 and 0.04 in float32,
training included."""
_ASSET: Final = 1.0
"""What an asset's run costs besides."""
_TILE: Final = 1.5
"""What it costs to take a tile's assets out and put them back."""


def shared_rounds(
    count: Int64[ndarray, "tiles 64"],
) -> tuple[Int64[ndarray, " tiles"], Float64[ndarray, " tiles"]]:
    """How many rounds of each tile are best run together, and what the batch then costs there.

    Args:
        count: ticks of the batch at each place.

    Returns:
        The rounds, and the cost in calls of the step.
    """
    busiest_first = -np.sort(-count, axis=1)
    # If the k busiest leave, the next one's ticks are the rounds of those that stay.
    staying = np.concatenate([busiest_first[:, 1:], np.zeros_like(count[:, :1])], axis=1)
    leaving = np.arange(1, count.shape[1] + 1)
    alone = np.cumsum(busiest_first, axis=1) - leaving * staying
    cost = staying + _TICK * alone + _ASSET * leaving + _TILE
    best, tiles = np.argmin(cost, axis=1), np.arange(len(count))
    together = busiest_first[:, 0]
    apart = cost[tiles, best] < together
    rounds = np.where(apart, staying[tiles, best], together)
    return rounds, np.where(apart, cost[tiles, best], together)


def ticks_alone(
    place: Int64[ndarray, " ticks"], rank: Int64[ndarray, " ticks"]
) -> tuple[Bool[ndarray, " ticks"], float]:
    """Whether each tick is best run apart from its tile, and the calls of the step that saves.

    Args:
        place: of each tick's row; place `p` is lane `p % 64` of tile `p // 64`.
        rank: of each tick among those of its row.
    """
    if rank.max(initial=0) < _TILE + _ASSET:
        return np.zeros(rank.size, dtype=bool), 0.0
    tile = place // TILE_WIDTH
    tiles = int(tile.max()) + 1
    count = np.bincount(place, minlength=tiles * TILE_WIDTH).reshape(tiles, TILE_WIDTH)
    rounds = count.max(axis=1)
    busy = np.flatnonzero(rounds > _TILE + _ASSET)
    shared, cost = shared_rounds(count[busy])
    saved = float((rounds[busy] - cost).sum())
    rounds[busy] = shared
    return rank >= rounds[tile], saved
