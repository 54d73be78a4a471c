"""The step and the training compiled ahead of time, and what their bits need.

The step exists for tiles of 64 lanes and for one lane, the training for eight networks and for one.
An asset's bits are the same in all of them (`core.rounding`), live, in recovery and in replays.
"""

import functools
import os
import platform

import jax
import numpy as np
from jaxtyping import Array, Float, Float64, Shaped

from core.config import PredictorConfig
from core.executables import compiler_facts, executable
from core.kernels import galerkin
from core.packed import TILE_WIDTH
from core.programs import ZERO, trace_step, trace_training
from core.step import state_layout

__all__ = [
    "TRAIN_WIDTH",
    "TileStep",
    "Trainer",
    "checked",
    "compile_step",
    "compile_trainer",
    "facts",
    "init_surfaces",
    "init_tile",
    "runtime_versions",
]

_DTYPES = ("float32", "float64")
TRAIN_WIDTH = 8
"""Networks of a worker's training call: each costs as much as among 64; one alone, which has a
program of its own, about half as much again, and a call."""
_BITS = 12
"""Raised by every change after which the same ticks give other bits, be it the last one."""


class TileStep:
    """One compiled step of a tile of 64 lanes, or of one.

    A tile of 64 is consumed (its buffer becomes the new tile's); one lane is not, so that a program
    that is interrupted within a tick still has it. Inputs and outputs are float64 whatever the
    state's dtype: prices are differenced before they are rounded.
    """

    __slots__ = ("_executable", "_fresh", "config", "dtype")

    def __init__(self, config: PredictorConfig, dtype: str, width: int) -> None:
        self.config = config
        self.dtype = dtype
        self._fresh = init_surfaces(dtype, width)
        self._executable = executable(
            facts("step", config, dtype, width=width), lambda: trace_step(config, dtype, width)
        )

    def __call__(
        self,
        tile: Float[Array | np.ndarray, "rows lanes"],
        inputs: Float64[np.ndarray, "inputs lanes"],
        surfaces: Float[np.ndarray, "surface lanes"] | None = None,
    ) -> tuple[Float[Array, "rows lanes"], Float64[Array, "outputs lanes"]]:
        """Advance the active lanes by one tick. The others' outputs are of their last tick, but for
        the instant events.

        Args:
            tile: the lanes' state; consumed where it is a tile of 64 and an array of JAX's.
            inputs: rows of `Input`.
            surfaces: `galerkin.Surface` rows of the lanes' networks; untrained ones if None.
        """
        new_tile, outputs = self._executable(
            ZERO, tile, inputs, self._fresh if surfaces is None else surfaces
        )
        return new_tile, outputs


class Trainer:
    """One compiled training step of any number of networks, so many at a time."""

    __slots__ = ("_executable", "_fresh", "_layout", "_width")

    def __init__(self, config: PredictorConfig, dtype: str, width: int) -> None:
        self._width = width
        self._layout = state_layout(config)
        self._fresh = galerkin.fresh_network(dtype)
        self._executable = executable(
            facts("training", config, dtype, width=width),
            lambda: trace_training(config, dtype, width),
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
        count, missing = len(networks), -len(networks) % self._width
        if missing:
            idle = np.zeros((missing, blocks.shape[1]), dtype=networks.dtype)
            blocks = np.concatenate([blocks, idle])
            fresh = np.repeat(self._fresh[np.newaxis], missing, axis=0)
            networks = np.concatenate([networks, fresh])
        trained = np.empty_like(networks)
        for start in range(0, len(networks), self._width):
            part = slice(start, start + self._width)
            trained[part] = np.asarray(self._executable(ZERO, blocks[part], networks[part]))
        return trained[:count]


def facts(program: str, config: PredictorConfig, dtype: str, *, width: int) -> dict[str, str]:
    """What a program is made from, besides the source code."""
    return {
        "program": program,
        "config": config.fingerprint(),
        "dtype": dtype,
        "width": str(width),
    }


@functools.cache
def compile_step(
    config: PredictorConfig, dtype: str = "float64", *, width: int = TILE_WIDTH
) -> TileStep:
    """Compile the step, or return the executable compiled before for equal arguments.

    Args:
        config: hyperparameters.
        dtype: `float64` or `float32`, of the state.
        width: lanes of a tile.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    return TileStep(config, checked(dtype), width)


@functools.cache
def compile_trainer(
    config: PredictorConfig, dtype: str = "float64", *, width: int = TRAIN_WIDTH
) -> Trainer:
    """Compile the training, or return the executable compiled before for equal arguments.

    Args:
        config: hyperparameters.
        dtype: `float64` or `float32`, of the networks.
        width: networks of a call.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    return Trainer(config, checked(dtype), width)


def init_surfaces(
    dtype: str = "float64", width: int = TILE_WIDTH
) -> Shaped[np.ndarray, "surface lanes"]:
    """Surfaces of networks that have not been trained."""
    column = galerkin.fresh_surface(checked(dtype))
    return np.repeat(column[:, np.newaxis], width, axis=1)


def init_tile(
    config: PredictorConfig, dtype: str = "float64", width: int = TILE_WIDTH
) -> Shaped[np.ndarray, "rows lanes"]:
    """A tile whose assets have not seen a tick."""
    return state_layout(config).fresh(checked(dtype), width)


def runtime_versions(dtype: str) -> dict[str, str]:
    """What, besides configuration and ticks, the bits of a result depend on."""
    return {
        **compiler_facts(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "backend": jax.default_backend(),
        "processor": platform.machine(),
        "bits": str(_BITS),
        "dtype": checked(dtype),
    }


def checked(dtype: str) -> str:
    """The dtype.

    Raises:
        ValueError: it is neither `float32` nor `float64`.
    """
    if dtype not in _DTYPES:
        raise ValueError(f"dtype={dtype!r}: use one of {_DTYPES}")
    return dtype
