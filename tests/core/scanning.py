"""Run one component of the predictor over whole series, many lanes at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.executables import COMPILER_OPTIONS
from core.layout import Field
from core.packed import TILE_WIDTH

Fields = tuple[Field, ...]
State = Mapping[str, jax.Array]
Update = Callable[[State, Any], tuple[dict[str, jax.Array], Any]]


def fresh(fields: Fields, lanes: int, dtype: str = "float64") -> dict[str, jax.Array]:
    """Initial state of every lane."""
    return {f.name: jnp.full((f.rows, lanes), f.initial, dtype) for f in fields}


def scan(
    fields: Fields, update: Update, inputs: Any, *, lanes: int, dtype: str = "float64"
) -> tuple[dict[str, NDArray[Any]], Any]:
    """Final state, and the outputs of every tick stacked along the first axis.

    `inputs` is a tree of arrays [ticks, lanes]; `update` sees each as [1, lanes]. Fields that
    `update` does not return keep their values.
    """

    def tick(state: State, row: Any) -> tuple[dict[str, jax.Array], Any]:
        new, outputs = update(state, jax.tree.map(lambda x: x[None], row))
        return {**state, **new}, outputs

    # Tile by tile: the state of a tile stays in the cache.
    width = TILE_WIDTH if lanes % TILE_WIDTH == 0 else lanes
    start = fresh(fields, width, dtype)
    tiles = [
        jax.tree.map(lambda x, at=at: x[:, at : at + width], inputs)
        for at in range(0, lanes, width)
    ]
    lowered = jax.jit(lambda state, rows: jax.lax.scan(tick, state, rows)).lower(start, tiles[0])
    run = lowered.compile(compiler_options=COMPILER_OPTIONS)
    states, outputs = zip(*(run(start, tile) for tile in tiles), strict=True)
    joined = jax.tree.map(lambda *parts: np.concatenate(parts, axis=-1), *states)
    return joined, jax.tree.map(lambda *parts: np.concatenate(parts, axis=-1)[:, 0], *outputs)


def as_input(series: ArrayLike, dtype: str = "float64") -> jax.Array:
    """A series [ticks, lanes] in the dtype of the state."""
    return jnp.asarray(np.asarray(series), dtype)
