"""A tile's memory as NumPy sees it."""

import ctypes
import functools
import math

import jax
import numpy as np
from jaxtyping import DTypeLike, Shaped
from numpy import ndarray

__all__ = ["host_view"]


def host_view(tile: jax.Array) -> Shaped[ndarray, "..."]:
    """The array's own memory, not to be written to, where the backend is a CPU; else a copy.

    Nothing keeps the memory: take what is needed before the array is passed to a step, which
    consumes it. `np.asarray` and DLPack would hold on to it, and the step would copy the tile.
    """
    if not _on_cpu():
        return np.asarray(tile)
    shape, dtype = tile.shape, tile.dtype
    tile.block_until_ready()
    memory = _memory(shape, dtype).from_address(tile.unsafe_buffer_pointer())
    return np.ndarray(shape, dtype, memoryview(memory))


@functools.cache
def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


@functools.cache
def _memory(shape: tuple[int, ...], dtype: DTypeLike) -> type[ctypes.Array[ctypes.c_char]]:
    return ctypes.c_char * (math.prod(shape) * np.dtype(dtype).itemsize)
