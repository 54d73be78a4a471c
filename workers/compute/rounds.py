"""Arrange the ticks of a micro-batch into rounds over tiles. Pure index arithmetic, no JAX.

Invariant: two ticks of one row never share a round, and a row's ticks keep their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from core import TILE_WIDTH

__all__ = ["RoundPlan", "RowOrder", "order_by_row", "plan_rounds", "rounds_by_tile"]


@dataclass(frozen=True, slots=True)
class RowOrder:
    """The ticks of a batch seen row by row.

    Attributes:
        rows: the row of each tick, in processing order.
        order: positions sorted by row; ticks of one row keep their order.
        first: at each sorted position, whether a row's run begins there.
        rank: per tick, how many ticks of its row stand before it in the batch.
    """

    rows: Int64[ndarray, " ticks"]
    order: Int64[ndarray, " ticks"]
    first: Bool[ndarray, " ticks"]
    rank: Int64[ndarray, " ticks"]

    def previous(
        self, values: Int64[ndarray, " ticks"], before: Int64[ndarray, " ticks"]
    ) -> Int64[ndarray, " ticks"]:
        """Each tick's predecessor value in its row; `before` where the batch holds none."""
        ordered = values[self.order]
        shifted = np.empty_like(values)
        shifted[1:] = ordered[:-1]
        result = np.empty_like(values)
        result[self.order] = np.where(self.first, before[self.order], shifted)
        return result


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """Where each tick of a batch runs.

    Attributes:
        slot: per tick, its index into the sequence of tile calls.
        lane: per tick, its lane in the tile.
        tile_of_slot: per call, the tile it advances; round by round, within a round by tile.
        first_slot: the first call of each round, and the number of calls at the end.
        by_round: positions of the ticks, round by round.
        first_tick: where in it each round begins, and the number of ticks at the end.
    """

    slot: Int64[ndarray, " ticks"]
    lane: Int64[ndarray, " ticks"]
    tile_of_slot: Int64[ndarray, " slots"]
    first_slot: Int64[ndarray, " bounds"]
    by_round: Int64[ndarray, " ticks"]
    first_tick: Int64[ndarray, " bounds"]

    def stretches(self, most_calls: int) -> Iterator[range]:
        """All rounds in stretches of at most so many calls, or of one round that has more."""
        begin, last = 0, self.first_slot.size - 1
        while begin < last:
            limit = self.first_slot[begin] + most_calls
            end = int(np.searchsorted(self.first_slot, limit, side="right")) - 1
            end = max(end, begin + 1)
            yield range(begin, end)
            begin = end

    def ticks_of(self, rounds: range) -> Int64[ndarray, " ours"] | slice:
        """Positions of the ticks of some rounds; of all of them without copying."""
        if len(rounds) == self.first_tick.size - 1:
            return slice(None)
        return self.by_round[self.first_tick[rounds.start] : self.first_tick[rounds.stop]]


def order_by_row(rows: Int64[ndarray, " ticks"]) -> RowOrder:
    """Sort a batch by row, stably."""
    order = _ascending(rows)
    ordered = rows[order]
    first = np.ones(rows.size, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    position = np.arange(rows.size)
    rank = np.empty(rows.size, dtype=np.int64)
    rank[order] = position - np.maximum.accumulate(np.where(first, position, 0))
    return RowOrder(rows, order, first, rank)


def rounds_by_tile(
    tile: Int64[ndarray, " ticks"], rank: Int64[ndarray, " ticks"]
) -> Int64[ndarray, " tiles"]:
    """How many calls each tile takes: as many as its busiest row has ticks.

    Args:
        tile: of each tick.
        rank: of each tick among those of its row.
    """
    rounds = np.zeros(int(tile.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(rounds, tile, rank + 1)
    return rounds


def plan_rounds(rank: Int64[ndarray, " ticks"], place: Int64[ndarray, " ticks"]) -> RoundPlan:
    """Give every tick a tile call.

    Args:
        rank: of each tick among those of its row.
        place: of each tick's row; place `p` is lane `p % 64` of tile `p // 64`.
    """
    tile, lane = np.divmod(place, TILE_WIDTH)
    rounds = rounds_by_tile(tile, rank)
    base = np.cumsum(rounds) - rounds
    tile_of_call = np.repeat(np.arange(rounds.size), rounds)
    round_of_call = np.arange(tile_of_call.size) - base[tile_of_call]
    order = _ascending(round_of_call)
    slot_of_call = np.empty_like(order)
    slot_of_call[order] = np.arange(order.size)
    return RoundPlan(
        slot=slot_of_call[base[tile] + rank],
        lane=lane,
        tile_of_slot=tile_of_call[order],
        first_slot=_bounds(round_of_call),
        by_round=_ascending(rank),
        first_tick=_bounds(rank),
    )


def _ascending(numbers: Int64[ndarray, " items"]) -> Int64[ndarray, " items"]:
    """Positions in ascending order of numbers from 0, equal ones as they stand."""
    if numbers.max(initial=0) <= np.iinfo(np.uint16).max:
        numbers = numbers.astype(np.uint16)  # these NumPy sorts by digits: a tenth of the time
    return np.argsort(numbers, kind="stable")


def _bounds(number: Int64[ndarray, " items"]) -> Int64[ndarray, " bounds"]:
    """Where each run of equal numbers 0, 1, ... begins once the items are sorted, and the end."""
    return np.concatenate([[0], np.cumsum(np.bincount(number))])
