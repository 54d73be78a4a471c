"""Reading a tile where it lies."""

import jax
import numpy as np
import pytest

from core import PredictorConfig
from core.compiled import compile_step, init_tile
from core.host_view import host_view
from core.packed import INPUT_ROWS, TILE_WIDTH


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7, 64), (3, 5, 64), (64,)])
def test_it_shows_what_the_array_holds(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    array = jax.device_put(values)
    np.testing.assert_array_equal(host_view(array), values)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="elsewhere it is a copy")
def test_a_view_does_not_make_the_next_step_copy_the_tile() -> None:
    config = PredictorConfig()
    step, tile = compile_step(config), jax.device_put(init_tile(config))
    tile, _ = step(tile, np.zeros((INPUT_ROWS, TILE_WIDTH)))
    view, where = host_view(tile), tile.unsafe_buffer_pointer()
    assert view.ctypes.data == where
    tile, _ = step(tile, np.zeros((INPUT_ROWS, TILE_WIDTH)))
    assert tile.unsafe_buffer_pointer() == where
