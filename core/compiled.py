"""The step compiled ahead of time for one tile shape, and what its bits depend on.

Live, recovery and replay call the same executable, so that their bytes cannot differ. No lane
count but 64 exists.
"""

import functools
import os

import jax
import jaxlib.version
import numpy as np
from jaxtyping import Array, Float, Float64, Shaped

from core.config import PredictorConfig
from core.packed import INPUT_ROWS, TILE_WIDTH
from core.step import packed_step, state_layout

__all__ = ["TileStep", "compile_step", "init_tile", "runtime_versions"]

_DTYPES = ("float32", "float64")
COMPILER_OPTIONS: dict[str, str | bool] = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""Keeps `optimization_barrier` in place until code is emitted. XLA's CPU backend otherwise drops
it before fusion, and then recomputes whole chains of the step for every field that reads them:
27 times the instructions, 45 s to compile."""


class TileStep:
    """One compiled step of a tile.

    The tile passed in is consumed (its buffer becomes the new tile's). Inputs and outputs are
    float64 whatever the state's dtype: prices are differenced before they are rounded.
    """

    __slots__ = ("_executable", "config", "dtype")

    def __init__(self, config: PredictorConfig, dtype: str) -> None:
        self.config = config
        self.dtype = dtype
        self._executable = (
            jax.jit(functools.partial(packed_step, config), donate_argnums=0)
            .lower(init_tile(config, dtype), np.empty((INPUT_ROWS, TILE_WIDTH)))
            .compile(compiler_options=COMPILER_OPTIONS)
        )

    def __call__(
        self, tile: Float[Array, "rows 64"], inputs: Float64[np.ndarray, "inputs 64"]
    ) -> tuple[Float[Array, "rows 64"], Float64[Array, "outputs 64"]]:
        """Advance the active lanes by one tick. Outputs of the others are undefined."""
        new_tile, outputs = self._executable(tile, inputs)
        return new_tile, outputs


@functools.cache
def compile_step(config: PredictorConfig, dtype: str = "float64") -> TileStep:
    """Compile the step, or return the executable compiled before for equal arguments.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    return TileStep(config, _checked(dtype))


def init_tile(config: PredictorConfig, dtype: str = "float64") -> Shaped[np.ndarray, "rows 64"]:
    """A tile whose 64 assets have not seen a tick."""
    return state_layout(config).fresh(_checked(dtype))


def runtime_versions(dtype: str) -> dict[str, str]:
    """What, besides configuration and ticks, the bits of a result depend on."""
    return {
        "jax": jax.__version__,
        "jaxlib": jaxlib.version.__version__,
        "compiler_options": repr(COMPILER_OPTIONS),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "backend": jax.default_backend(),
        "dtype": _checked(dtype),
        "tile_width": str(TILE_WIDTH),
    }


def _checked(dtype: str) -> str:
    if dtype not in _DTYPES:
        raise ValueError(f"dtype={dtype!r}: use one of {_DTYPES}")
    return dtype
