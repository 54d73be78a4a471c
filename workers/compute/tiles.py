"""The packed tiles on the device: who wants a row's state says the row, not where it lies."""

from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy import ndarray

from core import TILE_WIDTH, TileStep, host_view, init_tile
from workers.compute.places import Places
from workers.compute.placing import Exchange

__all__ = ["Tiles"]

_Part = tuple[int, Int64[ndarray, " picked"], Int64[ndarray, " picked"]]


class Tiles:
    """State of 64 assets each, and the compiled step that advances it. One owner, one thread.

    Args:
        step: the compiled step.
        places: where each row's lane is.
    """

    def __init__(self, step: TileStep, places: Places) -> None:
        self._step = step
        self._fresh = init_tile(step.config, step.dtype)
        self._places = places
        self._tiles: list[jax.Array] = []

    def __len__(self) -> int:
        return len(self._tiles)

    def add(self) -> None:
        """One more, of assets that have not seen a tick."""
        self._tiles.append(jax.device_put(self._fresh))
        self._places.add_tile()

    def step(
        self,
        tile: int,
        inputs: Float64[ndarray, "inputs 64"],
        surfaces: Float[ndarray, "surface 64"],
    ) -> Float64[jax.Array, "outputs 64"]:
        """Advance one tile by a tick; see `core.TileStep`."""
        self._tiles[tile], outputs = self._step(self._tiles[tile], inputs, surfaces)
        return outputs

    def read(
        self, rows: Int64[ndarray, " count"], part: slice | None = None
    ) -> Float[ndarray, "count part"]:
        """The state of some assets, or part of it, one asset a row."""
        part = part or slice(0, len(self._fresh))
        states = np.empty((rows.size, part.stop - part.start), dtype=self._fresh.dtype)
        for tile, lanes, picked in self._by_tile(rows):
            states[picked] = host_view(self._tiles[tile])[part, lanes].T
        return states

    def put(self, rows: Int64[ndarray, " count"], states: Float[ndarray, "count rows"]) -> None:
        """Replace the state of some assets."""
        for tile, lanes, picked in self._by_tile(rows):
            host = np.array(host_view(self._tiles[tile]))
            host[:, lanes] = states[picked].T
            self._tiles[tile] = jax.device_put(host)

    def reset(self, rows: Int64[ndarray, " count"]) -> None:
        """Put the state of an asset that has not seen a tick into rows."""
        self.put(rows, np.repeat(self._fresh[:, :1].T, rows.size, axis=0))

    def exchange(self, exchange: Exchange) -> None:
        """Lay some tiles anew; no results may be under way."""
        tiles = exchange.tiles.tolist()
        laid = exchange.laid([host_view(self._tiles[tile]) for tile in tiles])
        for tile, columns in zip(tiles, laid, strict=True):
            self._tiles[tile] = jax.device_put(columns)

    def _by_tile(self, rows: Int64[ndarray, " count"]) -> Iterator[_Part]:
        """For each tile that holds some of the rows: which lanes, and the rows' positions."""
        tiles, lanes = np.divmod(self._places.of(rows), TILE_WIDTH)
        order = np.argsort(tiles, kind="stable")
        starts = np.flatnonzero(np.diff(tiles[order], prepend=-1))
        for picked in np.split(order, starts[1:]):
            if picked.size:
                yield int(tiles[picked[0]]), lanes[picked], picked
