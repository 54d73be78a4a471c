"""Tiles laid anew for the batch at hand, where that pays within it.

A tile takes as many calls of the step as its busiest asset has ticks in the batch, as far as these
do not run alone, and the counts of a batch are known before it is stepped. Even where all assets
are equally active their counts differ by chance: at 65 ticks an asset one call in five is saved, at
one tick nothing.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from core import TILE_WIDTH
from workers.compute.alone import shared_rounds
from workers.compute.placing import Exchange

__all__ = ["exchanges_for"]

_TILE_CALLS: Final = 4
"""What laying a tile anew costs, in calls of the step; measured as two to three."""
_TOGETHER: Final = 16
"""Tiles among which assets change places: of more the memory does not stay in a core's cache."""


def exchanges_for(count: Int64[ndarray, "tiles 64"]) -> Iterator[Exchange]:
    """The exchanges that save the next batch more calls than they cost; none touches another's.

    Args:
        count: ticks of the batch at each place.
    """
    rounds, cost = shared_rounds(count)
    busiest_first = np.argsort(-rounds, kind="stable")[: np.count_nonzero(cost)]
    for first in range(0, busiest_first.size, _TOGETHER):
        tiles = np.sort(busiest_first[first : first + _TOGETHER])
        lanes = count[tiles].ravel()
        by_count = np.argsort(-lanes, kind="stable")
        _, laid = shared_rounds(lanes[by_count].reshape(-1, TILE_WIDTH))
        if cost[tiles].sum() - laid.sum() > _TILE_CALLS * tiles.size:
            yield Exchange(tiles, by_count)
