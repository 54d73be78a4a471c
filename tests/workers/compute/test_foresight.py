"""Tiles laid out for the batch at hand."""

import numpy as np
import pytest

from core import TILE_WIDTH
from tests.core.ticks import packed
from tests.workers.compute.test_state_table import CONFIG
from workers.compute.foresight import exchanges_for
from workers.compute.placing import Exchange
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable


def laid(count: np.ndarray) -> tuple[np.ndarray, list[Exchange]]:
    """Counts at each place after the exchanges, which are checked to be permutations."""
    after, made = count.copy(), []
    for exchange in exchanges_for(count):
        made.append(exchange)
        assert np.array_equal(np.sort(exchange.source), np.arange(exchange.tiles.size * TILE_WIDTH))
        after[exchange.tiles] = (
            after[exchange.tiles].ravel()[exchange.source].reshape(-1, TILE_WIDTH)
        )
    touched = [tile for exchange in made for tile in exchange.tiles.tolist()]
    assert len(touched) == len(set(touched))
    return after, made


@pytest.mark.parametrize("tiles", [2, 16, 40])
@pytest.mark.parametrize("ticks_an_asset", [65.0, 260.0])
def test_a_large_even_batch_takes_nearly_as_few_calls_as_can_be(
    tiles: int, ticks_an_asset: float
) -> None:
    count = np.random.default_rng(tiles).poisson(ticks_an_asset, (tiles, TILE_WIDTH))
    after, made = laid(count)
    before, now = int(count.max(axis=1).sum()), int(after.max(axis=1).sum())
    assert now + 4 * sum(one.tiles.size for one in made) < before
    assert now < 1.05 * np.sort(count.ravel())[::-1][::TILE_WIDTH].sum()


@pytest.mark.parametrize("ticks_an_asset", [0.0, 0.1, 1.0])
def test_a_batch_that_would_not_repay_it_moves_nothing(ticks_an_asset: float) -> None:
    count = np.random.default_rng(0).poisson(ticks_an_asset, (16, TILE_WIDTH))
    assert not laid(count)[1]


def test_a_tile_without_ticks_is_left_alone() -> None:
    count = np.random.default_rng(0).poisson(100.0, (6, TILE_WIDTH))
    count[[1, 4]] = 0
    assert [exchange.tiles.tolist() for exchange in exchanges_for(count)] == [[0, 2, 3, 5]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_and_states_keep_their_bits(dtype: str) -> None:
    rng = np.random.default_rng(5)
    moving, still = StateTable(CONFIG, dtype), StateTable(CONFIG, dtype, by_activity=False)
    rows = moving.allocate(200)
    assert np.array_equal(rows, still.allocate(200))
    for ticks in (50, 12_000, 300, 9_000):
        picked = rows[rng.integers(0, 200, ticks)]
        columns = np.repeat(packed(100.0)[:, :1], ticks, axis=1)
        columns[1] = columns[2] = 100.0 + np.cumsum(rng.normal(size=ticks))
        order = order_by_row(picked)
        outputs = [
            table.step(order, columns, np.zeros_like(picked)).tobytes() for table in (moving, still)
        ]
        assert outputs[0] == outputs[1]
        for table in (moving, still):
            table.sequence[picked] = table.sequence[picked] + order.rank + 1
        assert moving.copy(rows).tobytes() == still.copy(rows).tobytes()
    assert moving.calls < still.calls
