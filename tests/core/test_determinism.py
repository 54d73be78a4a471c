"""The bits of an asset depend on its own ticks alone: not on lane, neighbours, masks or batches."""

import functools

import numpy as np
import pytest

from core import TILE_WIDTH, Output, PredictorConfig, TileStep, compile_step, init_tile
from tests.core.ticks import drive, packed, random_walks

TICKS = 300
DTYPES = ("float64", "float32")


@functools.cache
def step_of(dtype: str) -> TileStep:
    return compile_step(PredictorConfig(), dtype)


def series() -> np.ndarray:
    """Walks with what makes trouble: standstill, a rejected spike, a gap that stays."""
    prices = random_walks(TICKS, seed=5)
    prices[60:75] = prices[60]
    prices[150, ::3] += 500.0
    prices[200:, ::2] += 40.0
    return prices


@pytest.mark.parametrize("dtype", DTYPES)
def test_lane_position_does_not_matter(dtype: str) -> None:
    prices = series()
    order = np.random.default_rng(0).permutation(TILE_WIDTH)
    state, outputs = drive(step_of(dtype), np.stack([packed(p) for p in prices]))
    moved, seen = drive(step_of(dtype), np.stack([packed(p[order]) for p in prices]))
    assert moved.tobytes() == state[:, order].tobytes()
    assert seen.tobytes() == outputs[:, :, order].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_ragged_masks_give_the_same_bits_as_full_tiles(dtype: str) -> None:
    """Every lane gets its ticks in order, but at rounds of its own choosing."""
    prices = series()
    state, outputs = drive(step_of(dtype), np.stack([packed(p) for p in prices]))
    rng = np.random.default_rng(1)
    position = np.zeros(TILE_WIDTH, dtype=int)
    rounds, where = [], []
    while (position < TICKS).any():
        due = (rng.random(TILE_WIDTH) < 0.6) & (position < TICKS)
        now = np.minimum(position, TICKS - 1)
        price = np.where(due, prices[now, np.arange(TILE_WIDTH)], np.nan)
        rounds.append(packed(price, active=due.astype(float)))
        where.append((due, position.copy()))
        position += due
    ragged, seen = drive(step_of(dtype), np.stack(rounds))
    assert ragged.tobytes() == state.tobytes()
    for (due, at), out in zip(where, seen, strict=True):
        lanes = np.flatnonzero(due)
        assert out[:, lanes].tobytes() == outputs[at[lanes], :, lanes].T.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_lane_alone_beside_nan_neighbours(dtype: str) -> None:
    prices = series()
    state, outputs = drive(step_of(dtype), np.stack([packed(p) for p in prices]))
    lane = 17
    poisoned = np.full_like(prices, np.nan)
    poisoned[::2] = np.inf
    poisoned[:, lane] = prices[:, lane]
    alone, seen = drive(step_of(dtype), np.stack([packed(p) for p in poisoned]))
    assert alone[:, lane].tobytes() == state[:, lane].tobytes()
    assert seen[:, :, lane].tobytes() == outputs[:, :, lane].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_inactive_lanes_keep_every_bit(dtype: str) -> None:
    prices = series()
    state, _ = drive(step_of(dtype), np.stack([packed(p) for p in prices]))
    active = (np.arange(TILE_WIDTH) % 2).astype(float)
    after, _ = drive(step_of(dtype), np.stack([packed(prices[-1] + 1.0, active=active)]), state)
    assert after[:, ::2].tobytes() == state[:, ::2].tobytes()
    assert after[:, 1::2].tobytes() != state[:, 1::2].tobytes()


def test_no_look_ahead() -> None:
    """Results up to t do not change when the ticks after t do."""
    prices = series()
    other = prices.copy()
    other[180:] = random_walks(TICKS - 180, seed=77, unit=3.0)
    _, outputs = drive(step_of("float64"), np.stack([packed(p) for p in prices]))
    _, changed = drive(step_of("float64"), np.stack([packed(p) for p in other]))
    assert outputs[:180].tobytes() == changed[:180].tobytes()
    assert outputs[180:].tobytes() != changed[180:].tobytes()


def test_float32_follows_float64() -> None:
    """Prices agree to float64-like precision: increments are taken before they are rounded."""
    prices = random_walks(400, seed=9, unit=1e-5, start=1.08)
    _, wide = drive(step_of("float64"), np.stack([packed(p) for p in prices]))
    _, narrow = drive(step_of("float32"), np.stack([packed(p) for p in prices]))
    difference = np.abs(wide - narrow)[:, Output.PREDICTED_PRICE]
    assert np.quantile(difference, 0.99) < 1e-7
    assert np.max(np.abs(wide - narrow)[:, Output.LOCATION]) < 1e-10


def test_a_fresh_tile_has_the_dtype_asked_for() -> None:
    for dtype in DTYPES:
        assert init_tile(PredictorConfig(), dtype).dtype == np.dtype(dtype)
