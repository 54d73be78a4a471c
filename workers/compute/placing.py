"""Which assets should share a tile: those of similar activity. Pure arithmetic on counts.

A call of the step costs the same for one active lane as for 64, and a tile takes as many calls as
its busiest lane has ticks. So a placement costs the sum over its tiles of their busiest asset's
activity, and is best when assets are laid into tiles in order of activity.

Invariant: what is returned is a permutation. Every tile keeps 64 assets, none is lost or doubled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped
from numpy import ndarray

from core import TILE_WIDTH

__all__ = ["Exchange", "best_cost", "better_tiles", "cost", "next_exchange"]

_WORTH: Final = 1.2
"""How many times the best cost a placement costs before another is looked for."""
_STAY: Final = 1.1
"""How many times as active as an asset of the tile a stranger must be to take its lane."""
_REST: Final = 0.05
"""Share of the best cost that may be given away in the quiet tiles, which then stay as they are."""
_LOOK_ANEW: Final = 16
"""Tiles after which rows that are placed are dropped from the order: a matter of speed."""
# What comes out costs at most _STAY * (1 + _REST) times the best: less than _WORTH, so that a
# second look at the same activity finds nothing to do.


@dataclass(frozen=True, slots=True)
class Exchange:
    """Some tiles and how their lanes are laid anew; no asset leaves these tiles.

    Attributes:
        tiles: the tiles, ascending.
        source: per lane of these tiles, one tile after the other, the lane to take it from,
            counted the same way.
    """

    tiles: Int64[ndarray, " tiles"]
    source: Int64[ndarray, " lanes"]

    def laid(self, tiles: Sequence[Shaped[ndarray, "rows 64"]]) -> Iterator[ndarray]:
        """What the tiles hold, in this order, with their lanes laid anew; made one at a time."""
        before = np.concatenate(tiles, axis=1)
        for lanes in self.source.reshape(-1, TILE_WIDTH):
            yield np.take(before, lanes, axis=1)


def cost(activity: Float64[ndarray, " rows"], tile: Int64[ndarray, " rows"]) -> float:
    """Activity of the busiest asset of each tile, summed.

    Args:
        activity: of each row, >= 0.
        tile: of each row; 64 rows in each.
    """
    return float(activity[_members(tile)].max(axis=1).sum())


def best_cost(activity: Float64[ndarray, " rows"]) -> float:
    """The least that any placement of these rows costs."""
    return float(_ideal(activity).sum())


def better_tiles(
    activity: Float64[ndarray, " rows"], tile: Int64[ndarray, " rows"]
) -> Int64[ndarray, " rows"] | None:
    """A tile for each row that costs much less, moving few rows; None where there is none.

    Args:
        activity: of each row, >= 0.
        tile: of each row now; 64 rows in each of the tiles 0, 1, ...
    """
    ideal = _ideal(activity)
    if cost(activity, tile) <= _WORTH * ideal.sum():
        return None
    members = _members(tile)
    busiest_first = np.argsort(-activity[members].sum(axis=1), kind="stable")
    filled = busiest_first[: _reach(ideal)]
    target, left = _fill(activity, tile, members, filled)
    kept = np.setdiff1d(busiest_first, filled)
    homeless = np.flatnonzero(left & np.isin(tile, filled))
    stayed = np.bincount(tile[left], minlength=len(members))[kept]
    target[homeless] = np.repeat(kept, TILE_WIDTH - stayed)
    return target


def next_exchange(
    row_at: Int64[ndarray, " places"],
    target: Int64[ndarray, " rows"],
    activity: Float64[ndarray, " rows"],
    most_tiles: int,
) -> Exchange | None:
    """The next part of a move, the busiest row's tile first; None when all are where they should.

    Args:
        row_at: the row at each place (tile * 64 + lane).
        target: the tile that each row is to reach; 64 rows in each.
        activity: of each row.
        most_tiles: that may be touched, at least 2.
    """
    tile = np.empty_like(target)
    tile[row_at] = np.arange(row_at.size) // TILE_WIDTH
    astray = np.flatnonzero(target != tile)
    if astray.size == 0:
        return None
    lead = int(target[astray[np.argmax(activity[astray])]])
    waiting = np.bincount(tile[astray[target[astray] == lead]])
    sources = np.argsort(-waiting, kind="stable")[: min(most_tiles - 1, np.count_nonzero(waiting))]
    tiles = np.sort(np.append(sources, lead))
    rows = row_at.reshape(-1, TILE_WIDTH)[tiles].ravel()
    arrives = np.isin(target[rows], tiles)
    wanted = np.searchsorted(tiles, np.where(arrives, target[rows], tile[rows]))
    return Exchange(tiles, _seated(wanted, arrives))


def _ideal(activity: Float64[ndarray, " rows"]) -> Float64[ndarray, " tiles"]:
    """The busiest of each tile when rows are laid in order of activity."""
    ideal: Float64[ndarray, " tiles"] = np.sort(activity)[::-1][::TILE_WIDTH]
    return ideal


def _members(tile: Int64[ndarray, " rows"]) -> Int64[ndarray, "tiles 64"]:
    """The rows of each tile."""
    return np.argsort(tile, kind="stable").reshape(-1, TILE_WIDTH)


def _reach(ideal: Float64[ndarray, " tiles"]) -> int:
    """How many tiles must be filled in order, until what is left may lie as it likes."""
    after = ideal[::-1].cumsum()[::-1]
    at_worst = np.arange(ideal.size, 0, -1) * ideal
    return int(np.argmax(at_worst - after <= _REST * ideal.sum()))


def _fill(
    activity: Float64[ndarray, " rows"],
    tile: Int64[ndarray, " rows"],
    members: Int64[ndarray, "tiles 64"],
    filled: Int64[ndarray, " filled"],
) -> tuple[Int64[ndarray, " rows"], Bool[ndarray, " rows"]]:
    """Fill some tiles with the most active rows that are left; those who live there bid higher."""
    target, left = tile.copy(), np.ones(tile.size, dtype=bool)
    order = np.argsort(-activity, kind="stable")
    for rank, number in enumerate(filled.tolist()):
        own = members[number][left[members[number]]]
        since = rank % _LOOK_ANEW
        if since == 0:
            order = order[left[order]]
        # A tile takes 64: at least as many of these are left.
        others = order[: TILE_WIDTH * (since + 1)]
        others = others[left[others] & (tile[others] != number)]
        bidders = np.concatenate([own, others])
        bid = activity[bidders]
        bid[: own.size] *= _STAY
        chosen = bidders[np.argsort(-bid, kind="stable")[:TILE_WIDTH]]
        target[chosen], left[chosen] = number, False
    return target, left


def _seated(
    wanted: Int64[ndarray, " lanes"], arrives: Bool[ndarray, " lanes"]
) -> Int64[ndarray, " lanes"]:
    """Seat everybody in the tile wanted, those who arrive first; who finds it full, in a gap."""
    order = np.lexsort((~arrives, wanted))
    first = np.searchsorted(wanted[order], wanted[order])
    rank = np.arange(order.size) - first
    seated = rank < TILE_WIDTH
    source = np.full(order.size, -1)
    source[wanted[order[seated]] * TILE_WIDTH + rank[seated]] = order[seated]
    source[source < 0] = order[~seated]
    return source
