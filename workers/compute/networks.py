"""Kernel B's networks of every asset this worker holds, and which of them have training to do.

A network is a row of host memory and trains in calls of its own; its surface, which the step
reads, lies in the asset's lane beside its tile and moves with it. A network that is due is
trained together with others, at the latest before its asset's next tick. One owner, one thread.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray

from core import (
    NETWORK_ROWS,
    NETWORK_SURFACE,
    TILE_WIDTH,
    TRAIN_WIDTH,
    PredictorConfig,
    Trainer,
    asset_layout,
    init_surfaces,
)
from workers.compute.places import Places
from workers.compute.placing import Exchange

__all__ = ["Networks"]

Blocks = Callable[[Int64[ndarray, " count"], slice], Float[ndarray, "count block"]]
"""Reads some rows of the tiles' state for some assets."""


class Networks:
    """Networks and surfaces by row; the caller says when, this class knows how.

    Args:
        config: the predictor's configuration.
        dtype: of the state.
        trainer: the compiled training.
        places: where each row's lane is.
        blocks: reads the step's state of some rows; called when networks train.
    """

    def __init__(
        self,
        config: PredictorConfig,
        dtype: str,
        trainer: Trainer,
        *,
        places: Places,
        blocks: Blocks,
    ) -> None:
        self._trainer = trainer
        self._places = places
        self._blocks = blocks
        fresh = asset_layout(config).fresh(dtype)
        self._fresh = asset_layout(config).split(fresh[np.newaxis])[1][0]
        self._fresh_surfaces = init_surfaces(dtype)
        self._networks = np.zeros((0, NETWORK_ROWS), dtype=dtype)
        self._surfaces = self._fresh_surfaces[np.newaxis][:0]
        self._due = np.zeros(0, dtype=bool)

    def grow(self, capacity: int) -> None:
        """Make room for this many rows."""
        missing = capacity - len(self._networks)
        room = np.zeros((missing, NETWORK_ROWS), dtype=self._networks.dtype)
        self._networks = np.concatenate([self._networks, room])
        self._due = np.concatenate([self._due, np.zeros(missing, dtype=bool)])
        more = np.repeat(self._fresh_surfaces[np.newaxis], missing // TILE_WIDTH, axis=0)
        self._surfaces = np.concatenate([self._surfaces, more])

    def reset(self, rows: Int64[ndarray, " count"]) -> None:
        """Put untrained networks into rows."""
        self.put(rows, np.repeat(self._fresh[np.newaxis], rows.size, axis=0))

    def put(
        self, rows: Int64[ndarray, " count"], networks: Float[ndarray, "count network"]
    ) -> None:
        """Put networks into rows; nothing is due there."""
        self._store(rows, networks)
        self._due[rows] = False

    def copy(self, rows: Int64[ndarray, " count"]) -> Float[ndarray, "count network"]:
        """The networks of some rows, after what is due has been done."""
        self.settle(rows)
        networks: Float[ndarray, "count network"] = self._networks[rows]
        return networks

    def surfaces(self, tile: int) -> Float[ndarray, "surface 64"]:
        """What a tile's step reads of its assets' networks."""
        surfaces: Float[ndarray, "surface 64"] = self._surfaces[tile]
        return surfaces

    def exchange(self, exchange: Exchange) -> None:
        """Lay the surfaces of some tiles anew; no step that reads them may be under way."""
        laid = exchange.laid(list(self._surfaces[exchange.tiles]))
        for tile, surfaces in zip(exchange.tiles.tolist(), laid, strict=True):
            self._surfaces[tile] = surfaces

    def owe(self, rows: Int64[ndarray, " count"]) -> None:
        """These rows have had a tick after which their networks train."""
        self._due[rows] = True

    def settle(self, rows: Int64[ndarray, " count"]) -> None:
        """Train those of the rows that are due, and others that are while there is room."""
        wanted = rows[self._due[rows]]
        if wanted.size == 0:
            return
        self._due[wanted] = False
        others = np.flatnonzero(self._due)[: -wanted.size % TRAIN_WIDTH]
        self._due[others] = False
        picked = np.concatenate([wanted, others])
        blocks = self._blocks(picked, self._trainer.block)
        self._store(picked, self._trainer(blocks, self._networks[picked]))

    def forget(self, rows: Int64[ndarray, " count"]) -> None:
        """Rows that are given back have nothing to do."""
        self._due[rows] = False

    def _store(
        self, rows: Int64[ndarray, " count"], networks: Float[ndarray, "count network"]
    ) -> None:
        self._networks[rows] = networks
        # In place, and a step may have been handed the same memory: whoever stores has read or
        # patched these tiles just before, which waits for their last step.
        tiles, lanes = np.divmod(self._places.of(rows), TILE_WIDTH)
        self._surfaces[tiles, :, lanes] = networks[:, NETWORK_SURFACE]
