"""Who shares a tile: always a permutation, never dearer, and content with what it has done."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core import TILE_WIDTH
from workers.compute.placing import best_cost, better_tiles, cost, next_exchange

SEEDS = st.integers(0, 2**32 - 1)
TILES = st.integers(1, 12)
TAILS = st.floats(0.0, 3.0)


def activity_of(seed: int, tiles: int, tail: float) -> np.ndarray:
    """Counts of a power law with ties and noughts, in any order."""
    rng = np.random.default_rng(seed)
    rate = 200.0 / np.arange(1, tiles * TILE_WIDTH + 1) ** tail
    return rng.permutation(rng.poisson(rate)).astype(float)


def any_tiles(seed: int, tiles: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(tiles * TILE_WIDTH) // TILE_WIDTH


@given(SEEDS, TILES, TAILS)
def test_cost_is_what_a_loop_finds(seed: int, tiles: int, tail: float) -> None:
    activity, tile = activity_of(seed, tiles, tail), any_tiles(seed, tiles)
    assert cost(activity, tile) == sum(activity[tile == t].max() for t in range(tiles))
    in_order = np.empty_like(tile)
    in_order[np.argsort(-activity)] = np.arange(tile.size) // TILE_WIDTH
    assert best_cost(activity) == cost(activity, in_order) <= cost(activity, tile)


@given(SEEDS, TILES, TAILS)
def test_what_is_found_is_a_permutation_near_the_best(seed: int, tiles: int, tail: float) -> None:
    activity, tile = activity_of(seed, tiles, tail), any_tiles(seed + 1, tiles)
    found = better_tiles(activity, tile)
    if found is None:
        assert cost(activity, tile) <= 1.2 * best_cost(activity)
        return
    assert (np.bincount(found, minlength=tiles) == TILE_WIDTH).all()
    assert cost(activity, found) < cost(activity, tile)
    assert cost(activity, found) <= 1.1 * 1.05 * best_cost(activity) * (1.0 + 1e-12)
    assert better_tiles(activity, found) is None


def test_only_those_who_must_move_do() -> None:
    """One busy asset in each of ten quiet tiles: they meet, and ten quiet ones make room."""
    activity = np.ones(10 * TILE_WIDTH)
    activity[::TILE_WIDTH] = 100.0
    tile = np.arange(activity.size) // TILE_WIDTH
    found = better_tiles(activity, tile)
    assert found is not None
    assert cost(activity, found) == 100.0 + 9 * 1.0
    assert np.count_nonzero(found != tile) == 2 * 9


def test_who_is_hardly_less_active_than_a_stranger_stays() -> None:
    """A full busy tile keeps its own; the one busy asset of the quiet tile joins the other."""
    activity = np.zeros(3 * TILE_WIDTH)
    activity[:TILE_WIDTH] = 100.0
    activity[TILE_WIDTH : TILE_WIDTH + 32] = activity[2 * TILE_WIDTH] = 105.0
    tile = np.arange(activity.size) // TILE_WIDTH
    found = better_tiles(activity, tile)
    assert found is not None
    assert cost(activity, found) == best_cost(activity) == 205.0
    assert found[2 * TILE_WIDTH] == 1 and np.count_nonzero(found != tile) == 2


@given(SEEDS, TILES, TAILS, st.integers(2, 5))
def test_exchanges_bring_every_row_home(seed: int, tiles: int, tail: float, most: int) -> None:
    activity = activity_of(seed, tiles, tail)
    target = any_tiles(seed + 1, tiles)
    row_at = np.random.default_rng(seed + 2).permutation(target.size)
    astray = np.count_nonzero(target[row_at] != np.arange(row_at.size) // TILE_WIDTH)
    while (exchange := next_exchange(row_at, target, activity, most)) is not None:
        assert exchange.tiles.size <= most and (np.diff(exchange.tiles) > 0).all()
        assert sorted(exchange.source.tolist()) == list(range(exchange.tiles.size * TILE_WIDTH))
        places = (exchange.tiles[:, None] * TILE_WIDTH + np.arange(TILE_WIDTH)).ravel()
        row_at[places] = row_at[places[exchange.source]]
        before = astray
        astray = np.count_nonzero(target[row_at] != np.arange(row_at.size) // TILE_WIDTH)
        assert astray < before
    assert astray == 0
    assert sorted(row_at.tolist()) == list(range(row_at.size))
