"""Where each row of a state table lies, and when rows change places.

A row begins at the place of its own number. Ticks are counted by row; from the counts a better
placement is drawn up now and then, and tried on the next batches without moving anything: only
what would have saved calls of the step there is carried out. So a stream of even activity, whose
counts differ by chance, leaves everything where it is; but a batch so large that it repays the move
itself is laid out by its own counts (`workers.compute.foresight`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from core import TILE_WIDTH
from workers.compute.foresight import exchanges_for
from workers.compute.placing import Exchange, better_tiles, next_exchange
from workers.compute.rounds import RowOrder, rounds_by_tile

__all__ = ["Places"]

_WINDOW_TICKS_A_ROW: Final = 8
_WINDOW_TICKS: Final = 4_096
_WINDOW_BATCHES: Final = 4
"""At least so much of each is counted before a decision: one batch may say anything by chance."""
_KEPT: Final = 0.75
"""Share of the counts that is still there a window later."""
_LEAST_GAIN: Final = 0.1
"""Share of the calls that a placement must save to be carried out."""
_REPAID_WINDOWS: Final = 4
"""In so many, moving must be repaid. A row costs about a call at the most: where a tile is laid
anew for it alone."""
_TILES_AT_A_TIME: Final = 4
"""Laid anew together: a millisecond or two, and no more memory than these tiles have."""
_MOVING_SHARE: Final = 1 / 16
"""Tiles laid anew after a batch, over its calls, which cost about as much each."""


@dataclass(slots=True)
class _Window:
    """What a stretch of batches took, and would have taken in the placement on trial."""

    ticks: int = 0
    batches: int = 0
    calls: int = 0
    calls_tried: int = 0


class Places:
    """A permutation of rows over tiles and lanes; the caller moves what it says.

    Args:
        by_activity: whether rows ever move.
    """

    def __init__(self, *, by_activity: bool) -> None:
        self._by_activity = by_activity
        self._rows = 0
        self._place: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self._row_at: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self._target: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self._count = np.zeros(0)
        self._on_trial = self._moving = False
        self._window = _Window()

    def add_tile(self) -> None:
        """Make room for 64 more rows, at places of a new tile."""
        self._rows += TILE_WIDTH
        if self._rows > self._place.size:
            new = np.arange(self._place.size, 2 * self._rows)
            self._place = np.concatenate([self._place, new])
            self._row_at = np.concatenate([self._row_at, new])
            self._target = np.concatenate([self._target, new // TILE_WIDTH])
            self._count = np.concatenate([self._count, np.zeros(new.size)])

    def of(self, rows: Int64[ndarray, " count"]) -> Int64[ndarray, " count"]:
        """The place of each row: tile * 64 + lane."""
        places: Int64[ndarray, " count"] = self._place[rows]
        return places

    def forget(self, rows: Int64[ndarray, " count"]) -> None:
        """Who comes into these rows is somebody else."""
        self._count[rows] = 0.0

    def observe(self, ticks: RowOrder, calls: int) -> None:
        """Count a batch that took so many calls of the step."""
        if not self._by_activity:
            return
        np.add.at(self._count, ticks.rows, 1.0)
        if self._moving:
            return
        window = self._window
        window.ticks += ticks.rows.size
        window.batches += 1
        window.calls += calls
        if self._on_trial:
            window.calls_tried += int(rounds_by_tile(self._target[ticks.rows], ticks.rank).sum())
        enough = max(_WINDOW_TICKS, _WINDOW_TICKS_A_ROW * self._rows)
        if window.ticks >= enough and window.batches >= _WINDOW_BATCHES:
            self._decide()

    def exchanges(self, calls: int) -> Iterator[Exchange]:
        """What to move after a batch of so many calls: nothing, or a little of a longer move.

        Each must be carried out before the next is asked for; `of` tells the places after it.
        """
        touched = 0
        while self._moving and touched <= _MOVING_SHARE * calls:
            row_at, count = self._row_at[: self._rows], self._count[: self._rows]
            exchange = next_exchange(row_at, self._target[: self._rows], count, _TILES_AT_A_TIME)
            self._moving = exchange is not None
            if exchange is not None:
                self._note(exchange)
                touched += exchange.tiles.size
                yield exchange

    def ahead_of(self, rows: Int64[ndarray, " ticks"]) -> Iterator[Exchange]:
        """What to move before a batch with these rows' ticks: what it repays itself.

        Each must be carried out before the next is asked for; `of` tells the places after it.
        """
        if not self._by_activity or self._moving or rows.size <= self._rows:
            return
        count = np.bincount(rows, minlength=self._rows)[self._row_at[: self._rows]]
        for exchange in exchanges_for(count.reshape(-1, TILE_WIDTH)):
            self._note(exchange)
            yield exchange

    def _note(self, exchange: Exchange) -> None:
        places = (exchange.tiles[:, np.newaxis] * TILE_WIDTH + np.arange(TILE_WIDTH)).ravel()
        self._row_at[places] = self._row_at[places[exchange.source]]
        self._place[self._row_at[places]] = places

    def _decide(self) -> None:
        """At the end of a window: carry out what was on trial, or put something on trial."""
        window, self._window = self._window, _Window()
        tile, target = self._place[: self._rows] // TILE_WIDTH, self._target[: self._rows]
        saved = window.calls - window.calls_tried
        least = max(_LEAST_GAIN * window.calls, np.count_nonzero(target != tile) / _REPAID_WINDOWS)
        self._moving = self._on_trial and saved > least
        self._on_trial = False
        if not self._moving:
            found = better_tiles(self._count[: self._rows], tile)
            self._on_trial = found is not None
            target[:] = tile if found is None else found
        self._count *= _KEPT
