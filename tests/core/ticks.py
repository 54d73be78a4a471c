"""Tick series and packed inputs for the core's tests."""

import jax
import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from core import INPUT_ROWS, OUTPUT_ROWS, TILE_WIDTH, Input, TileStep, init_tile

__all__ = ["drive", "packed", "random_walks"]


def packed(
    price: Float64[ndarray, " lanes"] | float,
    *,
    target: Float64[ndarray, " lanes"] | float | None = None,
    active: Float64[ndarray, " lanes"] | float = 1.0,
    dt_s: float = 0.01,
    age_ratio: Float64[ndarray, " lanes"] | float = 0.0,
    mask: int = 15,
) -> Float64[ndarray, "inputs 64"]:
    """Inputs of one step of a whole tile; scalars are broadcast over the lanes."""
    inputs = np.zeros((INPUT_ROWS, TILE_WIDTH))
    inputs[Input.ACTIVE] = active
    inputs[Input.PRICE] = price
    inputs[Input.TARGET] = price if target is None else target
    inputs[Input.DT_S] = dt_s
    inputs[Input.AGE_RATIO] = age_ratio
    inputs[Input.DEPTH] = 3
    for bit in range(4):
        inputs[Input.MASK_A + bit] = (mask >> bit) & 1
    return inputs


def drive(
    step: TileStep,
    inputs: Float64[ndarray, "ticks inputs 64"],
    tile: ndarray | None = None,
) -> tuple[ndarray, Float64[ndarray, "ticks outputs 64"]]:
    """Run a tile through successive inputs from a fresh state, or from `tile`."""
    state = jax.device_put(init_tile(step.config, step.dtype) if tile is None else tile.copy())
    outputs = np.empty((len(inputs), OUTPUT_ROWS, TILE_WIDTH))
    for t, tick in enumerate(inputs):
        state, out = step(state, tick)
        outputs[t] = out
    return np.asarray(state), outputs


def random_walks(
    ticks: int, seed: int, *, unit: float = 0.1, start: float = 100.0
) -> Float64[ndarray, "ticks 64"]:
    """Gaussian random walks, one a lane."""
    steps = np.random.default_rng(seed).normal(size=(ticks, TILE_WIDTH)) * unit
    return np.asarray(start + np.cumsum(steps, axis=0))
