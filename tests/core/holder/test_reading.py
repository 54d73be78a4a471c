"""When the exponent on the base lag is believed."""

import jax.numpy as jnp
import pytest

from core.holder.bank import Peak
from core.holder.base_scale import MIN_BLOCKS, Levels, select_base
from core.holder.coarse import coarse_rows
from core.holder.ladder import SCALES
from core.holder.maxima import Maxima
from core.holder.reading import read_base
from core.holder.singularity import LOUD
from core.holder.texture import read_texture


@pytest.mark.parametrize(("blocks", "doubtful"), [(MIN_BLOCKS - 0.1, True), (MIN_BLOCKS, False)])
def test_a_fixed_base_scale_is_in_doubt_until_it_has_scored_enough_blocks(
    *, blocks: float, doubtful: bool
) -> None:
    state = {name: jnp.full((rows, 1), initial) for name, (rows, initial) in coarse_rows(1).items()}
    state["coarse_weight"] = jnp.full((1, 1), blocks)
    one = jnp.ones((1, 1))
    reading, _ = read_base(
        16, state, one, fine=Peak(0.5 * one, 0.1 * one), slow_exponent=0.5 * one, gain=0.1 * one
    )
    assert float(reading.base_lag[0, 0]) == 16.0
    assert bool(reading.doubtful[0, 0]) is doubtful


@pytest.mark.parametrize(("blocks", "doubtful"), [(MIN_BLOCKS - 0.1, True), (MIN_BLOCKS, False)])
def test_the_coarsest_lag_is_in_doubt_until_it_has_scored_enough_blocks(
    *, blocks: float, doubtful: bool
) -> None:
    half = jnp.full((1, 1), 0.5)
    levels = Levels(
        peaks=(Peak(half, 0.1 * half),) * 2,
        blocks=(jnp.full((1, 1), blocks),),
        matched={(0, 1): half},
    )
    chosen, doubt = select_base(
        levels, lags=(1, 16), minimum_lag=jnp.full((1, 1), 100.0), previous=jnp.ones((1, 1))
    )
    assert (float(chosen[0, 0]), bool(doubt[0, 0])) == (1.0, doubtful)


@pytest.mark.parametrize(("start", "lines"), [(LOUD - 0.1, 1.0), (LOUD, 0.0)])
def test_a_loud_line_is_no_texture(start: float, lines: float) -> None:
    column, zero = jnp.full((len(SCALES), 1), start), jnp.zeros((1, 1))
    state = {"texture_mean": zero + 0.5, "texture_lines": zero}
    new, _ = read_texture(state, Maxima(column, column), cone=1.5, window=128, sparse=zero > 0.0)
    assert float(new["texture_lines"][0, 0]) == lines
