"""The whole state of one asset as one vector: its column of a tile, and its network in the middle.

A tile holds what the step reads and writes at every tick. The network of kernel B lies beside it,
so that the step does not copy it; in snapshots it is the end of block B.
"""

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from core.compiled import init_tile
from core.config import PredictorConfig
from core.kernels.galerkin import NETWORK_ROWS, fresh_network
from core.step import state_layout

__all__ = ["AssetLayout", "asset_layout"]


class AssetLayout:
    """How the vector is made of its two parts.

    Attributes:
        blocks: columns of each K-block in the vector; contiguous, covering all.
        features: length of the vector.
    """

    def __init__(self, config: PredictorConfig) -> None:
        layout = state_layout(config)
        self._network = slice(layout.blocks["B"].stop, layout.blocks["B"].stop + NETWORK_ROWS)
        self.features = layout.rows + NETWORK_ROWS
        self.blocks: Mapping[str, slice] = MappingProxyType(
            {name: self._moved(name, rows) for name, rows in layout.blocks.items()}
        )
        self._config = config

    def __reduce__(self) -> tuple[object, ...]:
        """So that a predictor can be handed to another process."""
        return asset_layout, (self._config,)

    def join(
        self,
        columns: Float[np.ndarray, "assets rows"],
        networks: Float[np.ndarray, "assets network"],
    ) -> Float[np.ndarray, "assets features"]:
        """One vector an asset, in memory of its own."""
        before = self._network.start
        return np.concatenate([columns[:, :before], networks, columns[:, before:]], axis=1)

    def split(
        self, assets: Float[np.ndarray, "assets features"]
    ) -> tuple[Float[np.ndarray, "assets rows"], Float[np.ndarray, "assets network"]]:
        """Inverse of `join`."""
        before, after = assets[:, : self._network.start], assets[:, self._network.stop :]
        return np.concatenate([before, after], axis=1), assets[:, self._network]

    def fitting(
        self, asset: Float[np.ndarray, " features"], dtype: str
    ) -> Float[np.ndarray, " features"]:
        """The vector.

        Raises:
            ValueError: it is of another dtype or length.
        """
        if asset.dtype != dtype or asset.shape != (self.features,):
            raise ValueError(
                f"this state is {asset.dtype} and has {asset.size} numbers, the predictor's are "
                f"{dtype} and {self.features}: give each the configuration and dtype of the other"
            )
        return asset

    def fresh(self, dtype: str) -> Float[np.ndarray, " features"]:
        """An asset that has not seen a tick."""
        column = init_tile(self._config, dtype)[:, 0]
        vector: np.ndarray = self.join(column[np.newaxis], fresh_network(dtype)[np.newaxis])[0]
        return vector

    def _moved(self, name: str, rows: slice) -> slice:
        start, stop = rows.start, rows.stop
        if name == "B":
            stop += NETWORK_ROWS
        elif start >= self._network.start:
            start, stop = start + NETWORK_ROWS, stop + NETWORK_ROWS
        return slice(start, stop)


@functools.cache
def asset_layout(config: PredictorConfig) -> AssetLayout:
    """The layout under a configuration."""
    return AssetLayout(config)
