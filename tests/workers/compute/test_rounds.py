"""Rounds: every tick runs once, a row's ticks in order, against a loop that does it by hand."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core import TILE_WIDTH
from workers.compute.rounds import RoundPlan, order_by_row, plan_rounds

ROWS = st.lists(st.integers(0, 5 * TILE_WIDTH), min_size=1, max_size=300)
PLACE = np.random.default_rng(0).permutation(6 * TILE_WIDTH)


def plan_of(rows: list[int]) -> RoundPlan:
    return plan_rounds(order_by_row(np.array(rows)).rank, PLACE[rows])


@given(ROWS)
def test_every_row_is_in_one_lane_of_one_call_per_round(rows: list[int]) -> None:
    plan = plan_of(rows)
    seen: dict[int, int] = defaultdict(int)
    calls = list(zip(plan.slot.tolist(), plan.lane.tolist(), strict=True))
    assert len(set(calls)) == len(rows)
    for row, (slot, lane) in zip(rows, calls, strict=True):
        assert plan.tile_of_slot[slot] == PLACE[row] // TILE_WIDTH
        assert lane == PLACE[row] % TILE_WIDTH
        assert plan.first_slot[seen[row]] <= slot < plan.first_slot[seen[row] + 1]
        seen[row] += 1


@given(ROWS)
def test_no_call_is_empty_and_a_round_calls_a_tile_once(rows: list[int]) -> None:
    plan = plan_of(rows)
    assert set(plan.slot.tolist()) == set(range(plan.tile_of_slot.size))
    for first, last in pairwise(plan.first_slot.tolist()):
        assert (np.diff(plan.tile_of_slot[first:last]) > 0).all()
    for now, (first, last) in enumerate(pairwise(plan.first_tick.tolist())):
        ticks = plan.by_round[first:last]
        assert (plan.slot[ticks] >= plan.first_slot[now]).all()
        assert (plan.slot[ticks] < plan.first_slot[now + 1]).all()
    assert sorted(plan.by_round.tolist()) == list(range(len(rows)))


@given(ROWS, st.integers(1, 20))
def test_stretches_hold_every_round_once_and_few_calls(rows: list[int], most: int) -> None:
    plan = plan_of(rows)
    stretches = list(plan.stretches(most))
    assert [now for rounds in stretches for now in rounds] == list(range(plan.first_slot.size - 1))
    seen = np.concatenate([np.arange(len(rows))[plan.ticks_of(rounds)] for rounds in stretches])
    assert sorted(seen.tolist()) == list(range(len(rows)))
    for rounds in stretches:
        calls = plan.first_slot[rounds.stop] - plan.first_slot[rounds.start]
        assert calls <= most or len(rounds) == 1


@given(ROWS, st.integers(0, 2**62))
def test_previous_value_is_the_one_a_loop_finds(rows: list[int], start: int) -> None:
    values = np.arange(len(rows)) + start
    before = np.array(rows) * -7
    found = order_by_row(np.array(rows)).previous(values, before)
    last = {row: row * -7 for row in rows}
    for i, row in enumerate(rows):
        assert found[i] == last[row]
        last[row] = int(values[i])
