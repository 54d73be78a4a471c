"""The state of every asset this worker holds, and the ticks that advance it.

An asset is sticky to a row until its partition leaves. Rows are recycled lowest first, so that
tiles stay full. A row's place, a lane of a tile, is known in here alone, and changes between two
steps when assets of similar activity would share tiles better: bits do not depend on it. One
owner, one thread.
"""

import heapq
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
    LoneRun,
    PredictorConfig,
    asset_layout,
    compile_both,
)
from workers.alone import ticks_alone
from workers.networks import Networks
from workers.places import Places
from workers.placing import Exchange
from workers.rounds import RoundPlan, RowOrder, plan_rounds, rounds_by_tile
from workers.soloist import Soloist
from workers.tiles import Tiles

__all__ = ["StateTable"]

_MOST_CALLS: Final = 4_096
"""Of the step, whose inputs and outputs are held at a time: 110 MB, however few assets tick."""


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
    ) -> Float64[ndarray, "ticks outputs"]:
        """Advance rows by their ticks, in the order given.

        Args:
            ticks: the row of each tick; a row may occur many times.
            columns: one column of packed inputs a tick (`core.Input` rows).

        Returns:
            One row of `core.Output` values a tick.
        """
        for exchange in self._places.ahead_of(ticks.rows):
            self._exchange(exchange)
        place, due = self._places.of(ticks.rows), self._due(ticks, columns)
        alone, saved_calls = ticks_alone(place, ticks.rank)
        wanted = self._alone and saved_calls > 0.0
        run = self.soloist.run_for(saved_calls) if wanted else None
        if run is None:
            made, calls = self._together(ticks.rows, ticks.rank, place, due=due, columns=columns)
            all_together = calls
        else:
            made = np.empty((ticks.rows.size, OUTPUT_ROWS))
            those = np.flatnonzero(~alone)
            made[those], calls = self._together(
                ticks.rows[those],
                ticks.rank[those],
                place[those],
                due=due[those],
                columns=columns[:, those],
            )
            self._apart(run, ticks, alone, due=due, columns=columns, made=made)
            self._ticks_alone += int(np.count_nonzero(alone))
            all_together = int(rounds_by_tile(place // TILE_WIDTH, ticks.rank).sum())
        self.dirty[ticks.rows] = True
        self._calls += calls
        # Placements are compared by the calls they would take if nothing ran alone.
        self._places.observe(ticks, all_together)
        for exchange in self._places.exchanges(calls):
            self._exchange(exchange)
        return made

    def _together(
        self,
        rows: Int64[ndarray, " ticks"],
        rank: Int64[ndarray, " ticks"],
        place: Int64[ndarray, " ticks"],
        *,
        due: Bool[ndarray, " ticks"],
        columns: Float64[ndarray, "inputs ticks"],
    ) -> tuple[Float64[ndarray, "ticks outputs"], int]:
        """Ticks in rounds over the tiles, and how many calls of the step they took."""
        made = np.empty((rows.size, OUTPUT_ROWS))
        plan = plan_rounds(rank, place)
        for rounds in plan.stretches(_MOST_CALLS):
            self._run(plan, rounds, rows, due=due, columns=columns, made=made)
        return made, plan.tile_of_slot.size

    def _apart(
        self,
        run: LoneRun,
        ticks: RowOrder,
        alone: Bool[ndarray, " ticks"],
        *,
        due: Bool[ndarray, " ticks"],
        columns: Float64[ndarray, "inputs ticks"],
        made: Float64[ndarray, "ticks outputs"],
    ) -> None:
        """The last ticks of some rows, row by row; their results are put into `made`."""
        by_row = ticks.order[alone[ticks.order]]
        begins = np.flatnonzero(np.diff(ticks.rows[by_row], prepend=-1))
        rows = ticks.rows[by_row[begins]]
        networks = self._networks.copy(rows)
        states = self._tiles.read(rows)
        for at, picked in enumerate(np.split(by_row, begins[1:])):
            states[at], networks[at], made[picked] = run(
                states[at], networks[at], columns[:, picked].T, due[picked]
            )
        self._tiles.put(rows, states)
        self._networks.put(rows, networks)

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
                surfaces = self._networks.surfaces(tile)
                outputs.append(self._tiles.step(tile, inputs[at], surfaces))
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
