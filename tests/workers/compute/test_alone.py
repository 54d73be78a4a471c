"""Which ticks run apart from their tile, and that results do not depend on it."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import TILE_WIDTH, Flag, Input, Output
from tests.core.ticks import packed
from tests.workers.compute.test_state_table import CONFIG
from workers.compute import soloist as soloist_module
from workers.compute.alone import shared_rounds, ticks_alone
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable

TICK, ASSET, TILE = 0.035, 1.0, 1.5
COUNTS = st.lists(st.integers(0, 400), min_size=TILE_WIDTH, max_size=TILE_WIDTH)


def priced(count: np.ndarray, rounds: int) -> float:
    """What a tile costs with so many rounds together, tick by tick and asset by asset."""
    counts: list[int] = count.tolist()
    rest = [ticks - rounds for ticks in counts if ticks > rounds]
    return rounds + sum(ASSET + TICK * ticks for ticks in rest) + (TILE if rest else 0.0)


@given(COUNTS)
@settings(max_examples=50)
def test_no_other_number_of_rounds_is_cheaper(counts: list[int]) -> None:
    count = np.array(counts)
    [rounds], [cost] = shared_rounds(count[np.newaxis])
    assert cost == pytest.approx(priced(count, int(rounds)))
    assert cost == pytest.approx(min(priced(count, r) for r in range(count.max() + 1)))


def test_an_asset_alone_in_its_tile_runs_alone() -> None:
    rank = np.arange(1000)
    alone, saved = ticks_alone(np.full(1000, 70), rank)
    assert alone.all()
    assert saved == pytest.approx(1000 - (TILE + ASSET + TICK * 1000))


def test_ticks_of_equally_active_assets_stay_together() -> None:
    order = order_by_row(np.tile(np.arange(2 * TILE_WIDTH), 20))
    alone, saved = ticks_alone(order.rows, order.rank)
    assert not alone.any() and saved == 0.0


def test_it_is_the_last_ticks_of_the_busiest_that_run_alone() -> None:
    rows = np.concatenate([np.tile(np.arange(TILE_WIDTH), 10), np.full(200, 3)])
    order = order_by_row(rows)
    alone, _ = ticks_alone(order.rows, order.rank)
    assert np.array_equal(alone, (rows == 3) & (order.rank >= 10))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_and_states_keep_their_bits(dtype: str) -> None:
    """Batches of uneven activity, kernel B masked now and then, against a table without runs."""
    rng = np.random.default_rng(5)
    apart, together = StateTable(CONFIG, dtype), StateTable(CONFIG, dtype, alone=False)
    apart.soloist.prepare()
    rows = apart.allocate(200)
    assert np.array_equal(rows, together.allocate(200))
    share = 1.0 / np.arange(1, 201)
    for ticks in (1_500, 3, 2_000, 400):
        picked = rows[rng.choice(200, ticks, p=share / share.sum())]
        columns = np.repeat(packed(100.0)[:, :1], ticks, axis=1)
        columns[Input.PRICE] = 100.0 + np.cumsum(rng.normal(size=ticks))
        columns[Input.TARGET] = columns[Input.PRICE]
        columns[Input.MASK_B] = rng.random(ticks) < 0.9
        order, at_once = order_by_row(picked), np.zeros_like(picked)
        outputs = [table.step(order, columns, at_once).tobytes() for table in (apart, together)]
        assert outputs[0] == outputs[1]
        for table in (apart, together):
            table.sequence[picked] = table.sequence[picked] + order.rank + 1
        assert apart.copy(rows).tobytes() == together.copy(rows).tobytes()
    assert apart.calls < 0.6 * together.calls


def test_time_that_passed_at_a_refused_tick_counts_where_its_row_runs_on_alone() -> None:
    rows = np.concatenate([np.tile(np.arange(TILE_WIDTH), 10), np.full(200, 3)])
    columns = np.repeat(packed(100.0)[:, :1], rows.size, axis=1)
    order, elapsed_ns = order_by_row(rows), np.full(rows.size, 60_000_000)
    columns[Input.PRICE, (rows == 3) & (order.rank == 9)] = np.nan
    made = []
    for alone in (True, False):
        table = StateTable(CONFIG, "float64", alone=alone)
        table.soloist.prepare()
        table.allocate(TILE_WIDTH)
        made.append(table.step(order, columns, elapsed_ns))
        assert (table.ticks_alone == 200) is alone
    infrequent = (made[0][:, Output.FLAGS].astype(int) & int(Flag.FREQUENCY_WARNING)) > 0
    assert np.array_equal(infrequent, (rows == 3) & (order.rank > 9) & (order.rank < 74))
    assert made[0].tobytes() == made[1].tobytes()


def test_a_batch_large_enough_waits_for_the_program() -> None:
    assert StateTable(CONFIG, "float64").soloist.run_for(40_000.0) is not None


def test_a_program_that_is_kept_is_loaded_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = False
    monkeypatch.setattr(soloist_module, "run_is_kept", lambda *_: kept)
    soloist = StateTable(CONFIG, "float64").soloist
    assert soloist.run_for(3_000.0) is None
    kept = True
    assert soloist.run_for(1_000.0) is None
    assert soloist.run_for(3_000.0) is not None


def test_the_program_is_compiled_aside_once_it_has_been_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(soloist_module, "run_is_kept", lambda *_: False)
    soloist = StateTable(CONFIG, "float64").soloist
    assert soloist.run_for(10_000.0) is None
    time.sleep(0.2)
    assert soloist.run_for(0.0) is None, "compiled before it was missed often enough"
    soloist.run_for(10_000.0)
    deadline_s = time.monotonic() + 120.0
    while soloist.run_for(0.0) is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
