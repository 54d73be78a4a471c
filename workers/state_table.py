"""The state of every asset this worker holds: packed tiles on the device, 64 assets each, and the
networks beside them.

An asset is sticky to a row until its partition leaves. Rows are recycled lowest first, so that
tiles stay full. A row's place, a lane of a tile, is known in here alone, and changes between two
steps when assets of similar activity would share tiles better: bits do not depend on it. One
owner, one thread.
"""

import heapq
from collections.abc import Iterator
from typing import Final

import jax
import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray

from core import (
    INPUT_ROWS,
    OUTPUT_ROWS,
    TILE_WIDTH,
    Input,
    PredictorConfig,
    asset_layout,
    compile_step,
    host_view,
    init_tile,
)
from workers.networks import Networks
from workers.places import Places
from workers.placing import Exchange
from workers.rounds import RoundPlan, RowOrder, plan_rounds

__all__ = ["StateTable"]

_MOST_CALLS: Final = 4_096
"""Of the step, whose inputs and outputs are held at a time: 110 MB, however few assets tick."""

_Part = tuple[int, Int64[ndarray, " picked"], Int64[ndarray, " picked"]]


class StateTable:
    """Tiles, free rows and the host-side columns that stay integers.

    Args:
        config: the predictor's configuration.
        dtype: `float64` or `float32`.
        by_activity: whether rows change places as their ticks are counted.
    """

    def __init__(self, config: PredictorConfig, dtype: str, *, by_activity: bool = True) -> None:
        self._step = compile_step(config, dtype)
        self._fresh_tile = init_tile(config, dtype)
        self._layout = asset_layout(config)
        self._train_every = config.dgm_every
        self._tiles: list[jax.Array] = []
        self._places = Places(by_activity=by_activity)
        self._networks = Networks(config, dtype, places=self._places, blocks=self._read)
        self._free: list[int] = []
        self.last_timestamp_ns: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self.sequence: Int64[ndarray, " capacity"] = np.zeros(0, dtype=np.int64)
        self.dirty = np.zeros(0, dtype=bool)
        self._calls = 0

    @property
    def assets(self) -> int:
        """Rows in use."""
        return len(self._tiles) * TILE_WIDTH - len(self._free)

    @property
    def calls(self) -> int:
        """Of the compiled step so far."""
        return self._calls

    @property
    def state_rows(self) -> int:
        """Features per asset."""
        return self._layout.features

    def allocate(self, count: int) -> Int64[ndarray, " count"]:
        """Take rows for new assets and put the fresh state into them."""
        rows = self._take(count)
        column = self._fresh_tile[:, 0]
        for tile, lanes, _ in self._by_tile(rows):
            self._patch(tile, lanes, column[:, np.newaxis])
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
        for tile, lanes, picked in self._by_tile(rows):
            self._patch(tile, lanes, columns[picked].T)
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
        return self._layout.join(self._read(rows, slice(0, len(self._fresh_tile))), networks)

    def step(
        self,
        ticks: RowOrder,
        columns: Float64[ndarray, "inputs ticks"],
    ) -> Float64[ndarray, "ticks outputs"]:
        """Advance rows by their ticks, in the order given.

        Args:
            ticks: the row of each tick; a row may occur many times.
            columns: one column of packed inputs a tick (`core.Input` rows).

        Returns:
            One row of `core.Output` values a tick.
        """
        made = np.empty((ticks.rows.size, OUTPUT_ROWS))
        for exchange in self._places.ahead_of(ticks.rows):
            self._exchange(exchange)
        plan = plan_rounds(ticks, self._places.of(ticks.rows))
        due = self._due(ticks, columns)
        for rounds in plan.stretches(_MOST_CALLS):
            self._run(plan, rounds, ticks.rows, due=due, columns=columns, made=made)
        self.dirty[ticks.rows] = True
        calls = plan.tile_of_slot.size
        self._calls += calls
        self._places.observe(ticks, calls)
        for exchange in self._places.exchanges(calls):
            self._exchange(exchange)
        return made

    def _run(
        self,
        plan: RoundPlan,
        rounds: range,
        rows: Int64[ndarray, " ticks"],
        *,
        due: Bool[ndarray, " ticks"],
        columns: Float64[ndarray, "inputs ticks"],
        made: Float64[ndarray, "ticks outputs"],
    ) -> None:
        """Some rounds of a plan; their ticks' results are put into `made`."""
        bounds = plan.first_slot[rounds.start : rounds.stop + 1].tolist()
        begin, end = bounds[0], bounds[-1]
        ours = plan.ticks_of(rounds)
        slot, lane = plan.slot[ours] - begin, plan.lane[ours]
        inputs = np.zeros((end - begin, INPUT_ROWS, TILE_WIDTH))
        inputs[slot, :, lane] = columns[:, ours].T
        tile_of_slot = plan.tile_of_slot[begin:end].tolist()
        outputs: list[jax.Array] = []
        for now, until in zip(rounds, bounds[1:], strict=True):
            here = plan.by_round[plan.first_tick[now] : plan.first_tick[now + 1]]
            self._networks.settle(rows[here])
            for at in range(len(outputs), until - begin):
                tile = tile_of_slot[at]
                self._tiles[tile], output = self._step(
                    self._tiles[tile], inputs[at], self._networks.surfaces(tile)
                )
                outputs.append(output)
            self._networks.owe(rows[here[due[here]]])
        stacked = np.stack([np.asarray(output) for output in outputs])
        made[ours] = stacked[slot, :, lane]

    def _due(
        self, ticks: RowOrder, columns: Float64[ndarray, "inputs ticks"]
    ) -> Bool[ndarray, " ticks"]:
        """After which ticks a network trains: every so many of its own asset's, if B may run."""
        sequence = self.sequence[ticks.rows] + ticks.rank + 1
        due: Bool[ndarray, " ticks"] = sequence % self._train_every == 0
        due &= columns[Input.MASK_B] > 0.0
        return due

    def _read(self, rows: Int64[ndarray, " count"], part: slice) -> Float[ndarray, "count part"]:
        """Some rows of the tiles for some assets, one asset a row."""
        states = np.empty((rows.size, part.stop - part.start), dtype=self._fresh_tile.dtype)
        for tile, lanes, picked in self._by_tile(rows):
            states[picked] = host_view(self._tiles[tile])[part, lanes].T
        return states

    def _take(self, count: int) -> Int64[ndarray, " count"]:
        while len(self._free) < count:
            self._grow()
        return np.array([heapq.heappop(self._free) for _ in range(count)], dtype=np.int64)

    def _grow(self) -> None:
        first = len(self._tiles) * TILE_WIDTH
        self._tiles.append(jax.device_put(self._fresh_tile))
        self._places.add_tile()
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
        tiles = exchange.tiles.tolist()
        laid = exchange.laid([host_view(self._tiles[tile]) for tile in tiles])
        for tile, columns in zip(tiles, laid, strict=True):
            self._tiles[tile] = jax.device_put(columns)
        self._networks.exchange(exchange)

    def _by_tile(self, rows: Int64[ndarray, " count"]) -> Iterator[_Part]:
        """For each tile that holds some of the rows: which lanes, and the rows' positions."""
        tiles, lanes = np.divmod(self._places.of(rows), TILE_WIDTH)
        order = np.argsort(tiles, kind="stable")
        starts = np.flatnonzero(np.diff(tiles[order], prepend=-1))
        for picked in np.split(order, starts[1:]):
            if picked.size:
                yield int(tiles[picked[0]]), lanes[picked], picked

    def _patch(self, tile: int, lanes: Int64[ndarray, " lanes"], states: ndarray) -> None:
        host = np.array(host_view(self._tiles[tile]))
        host[:, lanes] = states
        self._tiles[tile] = jax.device_put(host)


def _grown(column: ndarray, capacity: int) -> ndarray:
    grown = np.zeros(capacity, dtype=column.dtype)
    grown[: column.size] = column
    return grown
