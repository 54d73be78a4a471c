"""The state of every asset this worker holds, and the ticks that advance it.

An asset is sticky to a row until its partition leaves. Rows are recycled lowest first, so that
tiles stay full. A row's place, a lane of a tile, is known in here alone, and changes between two
steps when assets of similar activity would share tiles better: bits do not depend on it. One
owner, one thread.
"""

import heapq

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray

from core import (
    OUTPUT_ROWS,
    TILE_WIDTH,
    Input,
    LoneRun,
    PredictorConfig,
    asset_layout,
    compile_both,
)
from workers.compute.alone import ticks_alone
from workers.compute.apart import step_apart
from workers.compute.batch import Batch
from workers.compute.behind import Behind
from workers.compute.networks import Networks
from workers.compute.places import Places
from workers.compute.placing import Exchange
from workers.compute.rounds import RowOrder, rounds_by_tile
from workers.compute.soloist import Soloist
from workers.compute.tiles import Tiles
from workers.compute.together import step_together

__all__ = ["StateTable"]


class StateTable:
    """Tiles, free rows and the host-side columns that stay integers.

    Args:
        config: the predictor's configuration.
        dtype: `float64` or `float32`.
        by_activity: whether rows change places as their ticks are counted.
        alone: whether the last ticks of a tile's busiest assets run apart from it.
    """

    def __init__(
        self, config: PredictorConfig, dtype: str, *, by_activity: bool = True, alone: bool = True
    ) -> None:
        self._layout = asset_layout(config)
        self._train_every = config.dgm_every
        self._places = Places(by_activity=by_activity)
        step, trainer = compile_both(config, dtype)
        self._tiles = Tiles(step, self._places)
        self._networks = Networks(
            config, dtype, trainer, places=self._places, blocks=self._tiles.read
        )
        self._free: list[int] = []
        self.last_timestamp_ns: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self.sequence: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self.dirty = np.zeros(0, dtype=bool)
        self._calls = self._ticks_alone = 0
        self._alone = alone
        self.soloist = Soloist(config, dtype)

    @property
    def assets(self) -> int:
        """Rows in use."""
        return len(self._tiles) * TILE_WIDTH - len(self._free)

    @property
    def calls(self) -> int:
        """Of the compiled step so far."""
        return self._calls

    @property
    def ticks_alone(self) -> int:
        """Ticks so far that took no call of the step."""
        return self._ticks_alone

    @property
    def state_rows(self) -> int:
        """Features per asset."""
        return self._layout.features

    def allocate(self, count: int) -> Int64[ndarray, " count"]:
        """Take rows for new assets and put the fresh state into them."""
        rows = self._take(count)
        self._tiles.reset(rows)
        self._networks.reset(rows)
        self.last_timestamp_ns[rows] = 0
        self.sequence[rows] = 0
        self.dirty[rows] = True
        return rows

    def restore(
        self,
        states: Float[ndarray, "count features"],
        last_timestamp_ns: Int64[ndarray, " count"],
        sequence: Int64[ndarray, " count"],
    ) -> Int64[ndarray, " count"]:
        """Take rows for assets whose state a snapshot holds; they start clean."""
        rows = self._take(len(states))
        # The busiest at the first places: they share tiles before anything has been counted.
        rows[np.argsort(-sequence, kind="stable")] = rows[np.argsort(self._places.of(rows))]
        columns, networks = self._layout.split(states)
        self._tiles.put(rows, columns)
        self._networks.put(rows, networks)
        self.last_timestamp_ns[rows] = last_timestamp_ns
        self.sequence[rows] = sequence
        self.dirty[rows] = False
        return rows

    def release(self, rows: Int64[ndarray, " count"]) -> None:
        """Give rows back; their state is gone."""
        self._networks.forget(rows)
        self._places.forget(rows)
        for row in rows.tolist():
            heapq.heappush(self._free, row)

    def copy(self, rows: Int64[ndarray, " count"]) -> Float[ndarray, "count features"]:
        """A host copy of some rows' state, one asset a row."""
        networks = self._networks.copy(rows)
        return self._layout.join(self._tiles.read(rows), networks)

    def step(
        self,
        ticks: RowOrder,
        columns: Float64[ndarray, "inputs ticks"],
        elapsed_ns: Int64[ndarray, " ticks"],
    ) -> Float64[ndarray, "ticks outputs"]:
        """Advance rows by their ticks, in the order given.

        Args:
            ticks: the row of each tick; a row may occur many times.
            columns: one column of packed inputs a tick (`core.Input` rows).
            elapsed_ns: `Input.DT_S` of each tick if none before it in the batch is refused.

        Returns:
            One row of `core.Output` values a tick.
        """
        for exchange in self._places.ahead_of(ticks.rows):
            self._exchange(exchange)
        place = self._places.of(ticks.rows)
        due = self._due(ticks, columns)
        batch = Batch(ticks.rows, ticks.rank, place, due, columns, elapsed_ns.copy(), Behind())
        alone, saved_calls = ticks_alone(place, ticks.rank)
        wanted = self._alone and saved_calls > 0.0
        run = self.soloist.run_for(saved_calls) if wanted else None
        if run is None:
            made, calls = step_together(self._tiles, self._networks, batch)
            all_together = calls
        else:
            made, calls = self._both_ways(batch, alone, run)
            all_together = int(rounds_by_tile(place // TILE_WIDTH, ticks.rank).sum())
        self.dirty[ticks.rows] = True
        self._calls += calls
        # Placements are compared by the calls they would take if nothing ran alone.
        self._places.observe(ticks, all_together)
        for exchange in self._places.exchanges(calls):
            self._exchange(exchange)
        return made

    def _both_ways(
        self, batch: Batch, alone: Bool[ndarray, " ticks"], run: LoneRun
    ) -> tuple[Float64[ndarray, "ticks outputs"], int]:
        """First the rounds that tiles share, then the last ticks of some rows, row by row."""
        those, apart = np.flatnonzero(~alone), np.flatnonzero(alone)
        self._ticks_alone += apart.size
        if not those.size:  # one asset's history
            return step_apart(self._tiles, self._networks, run, batch), 0
        made = np.empty((alone.size, OUTPUT_ROWS))
        made[those], calls = step_together(self._tiles, self._networks, batch.only(those))
        made[apart] = step_apart(self._tiles, self._networks, run, batch.only(apart))
        return made, calls

    def _due(
        self, ticks: RowOrder, columns: Float64[ndarray, "inputs ticks"]
    ) -> Bool[ndarray, " ticks"]:
        """After which ticks a network trains: every so many of its own asset's, if B may run."""
        sequence = self.sequence[ticks.rows] + ticks.rank + 1
        due: Bool[ndarray, " ticks"] = sequence % self._train_every == 0
        due &= columns[Input.MASK_B] > 0.0
        return due

    def _take(self, count: int) -> Int64[ndarray, " count"]:
        while len(self._free) < count:
            self._grow()
        return np.array([heapq.heappop(self._free) for _ in range(count)], dtype=np.int64)

    def _grow(self) -> None:
        first = len(self._tiles) * TILE_WIDTH
        self._tiles.add()
        for row in range(first, first + TILE_WIDTH):
            heapq.heappush(self._free, row)
        if first + TILE_WIDTH > self.dirty.size:
            capacity = max(TILE_WIDTH, 2 * self.dirty.size)
            self.last_timestamp_ns = _grown(self.last_timestamp_ns, capacity)
            self.sequence = _grown(self.sequence, capacity)
            self.dirty = _grown(self.dirty, capacity)
            self._networks.grow(capacity)

    def _exchange(self, exchange: Exchange) -> None:
        """Lay some tiles anew; no results are under way, `step` has collected them."""
        self._tiles.exchange(exchange)
        self._networks.exchange(exchange)


def _grown(column: ndarray, capacity: int) -> ndarray:
    grown = np.zeros(capacity, dtype=column.dtype)
    grown[: column.size] = column
    return grown
