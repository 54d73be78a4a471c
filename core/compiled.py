"""The step and the training compiled ahead of time for one shape each, and what their bits need.

Live, recovery and replay call the same executable, so that their bytes cannot differ. No lane
count but 64 exists.
"""

import functools
import os

import jax
import numpy as np
from jaxtyping import Array, Float, Float64, Shaped

from core.config import PredictorConfig
from core.executables import compiler_facts, executable
from core.kernel import one_kernel
from core.kernels import galerkin
from core.layout import StateLayout
from core.packed import INPUT_ROWS, TILE_WIDTH
from core.step import packed_step, state_layout

__all__ = [
    "TRAIN_WIDTH",
    "TileStep",
    "Trainer",
    "compile_step",
    "compile_trainer",
    "init_surfaces",
    "init_tile",
    "runtime_versions",
]

_DTYPES = ("float32", "float64")
TRAIN_WIDTH = 8
"""Networks of one training call: each costs as much as among 64, and one alone an eighth of it."""
_BITS = 2
"""Raised by every change after which the same ticks give other bits, be it the last one."""


class TileStep:
    """One compiled step of a tile.

    The tile passed in is consumed (its buffer becomes the new tile's). Inputs and outputs are
    float64 whatever the state's dtype: prices are differenced before they are rounded.
    """

    __slots__ = ("_executable", "_fresh", "config", "dtype")

    def __init__(self, config: PredictorConfig, dtype: str) -> None:
        self.config = config
        self.dtype = dtype
        self._fresh = init_surfaces(dtype)
        self._executable = executable(
            _facts("step", config, dtype), lambda: _trace_step(config, dtype)
        )

    def __call__(
        self,
        tile: Float[Array, "rows 64"],
        inputs: Float64[np.ndarray, "inputs 64"],
        surfaces: Float[np.ndarray, "surface 64"] | None = None,
    ) -> tuple[Float[Array, "rows 64"], Float64[Array, "outputs 64"]]:
        """Advance the active lanes by one tick. Outputs of the others are undefined.

        Args:
            tile: the lanes' state; consumed.
            inputs: rows of `Input`.
            surfaces: `galerkin.Surface` rows of the lanes' networks; untrained ones if None.
        """
        new_tile, outputs = self._executable(
            tile, inputs, self._fresh if surfaces is None else surfaces
        )
        return new_tile, outputs


class Trainer:
    """One compiled training step of up to `TRAIN_WIDTH` networks at a time."""

    __slots__ = ("_executable", "_fresh", "_layout")

    def __init__(self, config: PredictorConfig, dtype: str) -> None:
        self._layout = state_layout(config)
        self._fresh = galerkin.fresh_network(dtype)
        self._executable = executable(
            _facts("training", config, dtype), lambda: _trace_training(config, dtype)
        )

    @property
    def block(self) -> slice:
        """Rows of the step's state that training reads."""
        return self._layout.blocks["B"]

    def __call__(
        self,
        blocks: Float[np.ndarray, "assets block"],
        networks: Float[np.ndarray, "assets network"],
    ) -> Float[np.ndarray, "assets network"]:
        """The networks after one step. An asset's bits do not depend on the others'.

        Args:
            blocks: block B of each asset's state in the tile, after its last tick.
            networks: `galerkin.NETWORK_ROWS` numbers an asset.
        """
        count, missing = len(networks), -len(networks) % TRAIN_WIDTH
        if missing:
            idle = np.zeros((missing, blocks.shape[1]), dtype=networks.dtype)
            blocks = np.concatenate([blocks, idle])
            fresh = np.repeat(self._fresh[np.newaxis], missing, axis=0)
            networks = np.concatenate([networks, fresh])
        trained = np.empty_like(networks)
        for start in range(0, len(networks), TRAIN_WIDTH):
            part = slice(start, start + TRAIN_WIDTH)
            trained[part] = np.asarray(self._executable(blocks[part], networks[part]))
        return trained[:count]


def _packed_train(
    layout: StateLayout,
    blocks: Float[Array, "assets block"],
    networks: Float[Array, "assets network"],
) -> Float[Array, "assets network"]:
    start = layout.blocks["B"].start
    state = {
        field.name: blocks.T[rows.start - start : rows.stop - start]
        for field in layout.fields
        for rows in (layout.slices[field.name],)
        if field.block == "B"
    }
    return galerkin.train(state, networks.T).T


def _facts(program: str, config: PredictorConfig, dtype: str) -> dict[str, str]:
    return {"program": program, "config": config.fingerprint(), "dtype": dtype}


def _trace_step(config: PredictorConfig, dtype: str) -> jax.stages.Traced:
    """The step before it is compiled."""
    step = one_kernel(functools.partial(packed_step, config))
    return jax.jit(step, donate_argnums=0).trace(
        init_tile(config, dtype), np.empty((INPUT_ROWS, TILE_WIDTH)), init_surfaces(dtype)
    )


def _trace_training(config: PredictorConfig, dtype: str) -> jax.stages.Traced:
    """The training before it is compiled."""
    layout = state_layout(config)
    rows = layout.blocks["B"]
    training = one_kernel(functools.partial(_packed_train, layout))
    return jax.jit(training).trace(
        np.empty((TRAIN_WIDTH, rows.stop - rows.start), dtype),
        np.empty((TRAIN_WIDTH, galerkin.NETWORK_ROWS), dtype),
    )


@functools.cache
def compile_step(config: PredictorConfig, dtype: str = "float64") -> TileStep:
    """Compile the step, or return the executable compiled before for equal arguments.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    return TileStep(config, _checked(dtype))


@functools.cache
def compile_trainer(config: PredictorConfig, dtype: str = "float64") -> Trainer:
    """Compile the training, or return the executable compiled before for equal arguments.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    return Trainer(config, _checked(dtype))


def init_surfaces(dtype: str = "float64") -> Shaped[np.ndarray, "surface 64"]:
    """Surfaces of 64 networks that have not been trained."""
    column = galerkin.fresh_surface(_checked(dtype))
    return np.repeat(column[:, np.newaxis], TILE_WIDTH, axis=1)


def init_tile(config: PredictorConfig, dtype: str = "float64") -> Shaped[np.ndarray, "rows 64"]:
    """A tile whose 64 assets have not seen a tick."""
    return state_layout(config).fresh(_checked(dtype))


def runtime_versions(dtype: str) -> dict[str, str]:
    """What, besides configuration and ticks, the bits of a result depend on."""
    return {
        **compiler_facts(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "backend": jax.default_backend(),
        "bits": str(_BITS),
        "dtype": _checked(dtype),
        "tile_width": str(TILE_WIDTH),
    }


def _checked(dtype: str) -> str:
    if dtype not in _DTYPES:
        raise ValueError(f"dtype={dtype!r}: use one of {_DTYPES}")
    return dtype
