"""Judging in pieces is judging row by row; folds are cut where they are said to be."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import OUTPUT_ROWS, Flag, Output
from tests.workers.replay.tables import random_table
from workers.replay import Layout
from workers.replay.engine import Stepped
from workers.scoring import ErrorScale, LossDifference, diebold_mariano
from workers.tuning import Objective, TuningError, expected_best, open_ticks
from workers.tuning.duel import DuelFold
from workers.tuning.evidence import _fold
from workers.tuning.folds import Folds, count_rows, pieces
from workers.tuning.judge import Judge, Losses
from workers.tuning.luck import better_by, chance, chance_of_best

_WARM_UP = 3


def forecasts(rng: np.random.Generator, count: int) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    """Assets, prices, outputs: forecasts that are a little better than persistence."""
    assets = [b"%d" % one for one in rng.integers(0, 4, count)]
    outputs = np.zeros((count, OUTPUT_ROWS))
    price = rng.normal(100.0, 1.0, count)
    outputs[:, Output.PREDICTED_PRICE] = price + rng.normal(0.0, 0.2, count)
    outputs[rng.random(count) < 0.1, Output.FLAGS] = int(Flag.DOMAIN_ERROR)
    return assets, price, outputs


def naive(
    objective: Objective, assets: list[bytes], price: np.ndarray, outputs: np.ndarray, cut: int
) -> tuple[np.ndarray, np.ndarray]:
    """Losses and ages, one row after the other."""
    losses, ages = np.full((2, len(assets)), np.nan), np.full(len(assets), -1)
    past: dict[bytes, list[tuple[int, float, float]]] = {}
    scales = {one: (ErrorScale(), ErrorScale()) for one in set(assets)}
    for row, asset in enumerate(assets):
        if outputs[row, Output.FLAGS]:
            continue
        before = past.setdefault(asset, [])
        if before:
            made_at, *made = before[-1]
            begun = sum(1 for one in before if one[0] < (cut if row >= cut else 0))
            ages[row] = max(len(before) - 1 - begun, -1)
            assert (made_at >= (cut if row >= cut else 0)) == (ages[row] >= 0)
        if len(before) > _WARM_UP:
            error = price[row] - np.array(made)
            scale = np.array(
                [
                    one.before_each(error[number : number + 1])[0] if objective.needs_scale else 1.0
                    for number, one in enumerate(scales[asset])
                ]
            )
            if np.isfinite(scale).all():
                losses[:, row] = objective.loss(error, scale)
        before.append((row, outputs[row, Output.PREDICTED_PRICE], price[row]))
    return losses, ages


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 119), st.sampled_from(Objective))
def test_losses_are_those_of_the_rows(seed: int, cut: int, objective: Objective) -> None:
    rng = np.random.default_rng(seed)
    assets, price, outputs = forecasts(rng, 120)
    judge = Judge(objective, _WARM_UP)
    found = []
    for begin, end in ((0, cut // 2), (cut // 2, cut), (cut, 120)):
        if begin == cut:
            judge.begin_fold()
        part = slice(begin, end)
        results = SimpleNamespace(asset_id=assets[part], outputs=outputs[part])
        stepped = Stepped(cast(Any, results), price[part], price[part], np.arange(end - begin))
        found.append(judge.add(stepped))
    losses, ages = naive(objective, assets, price, outputs, cut)
    np.testing.assert_allclose(
        np.concatenate([one.losses for one in found], axis=1), losses, rtol=1e-9
    )
    assert np.concatenate([one.age for one in found]).tolist() == ages.tolist()


@pytest.mark.parametrize("objective", Objective)
def test_skill_is_above_zero_where_persistence_loses_more(objective: Objective) -> None:
    one, none = np.array([4]), np.zeros(0, np.int64)
    assert objective.skill(one, np.array([8.0]), np.array([10.0])) == pytest.approx(
        0.5 if objective is Objective.LOG else 0.2
    )
    assert np.isnan(objective.skill(none, np.zeros(0), np.zeros(0)))


def duel_fold(unit: float) -> DuelFold:
    """A dear and a cheap asset in one fold; the dear one's losses are in a unit of its price."""
    rng = np.random.default_rng(8)
    fold = DuelFold(0, held_out=True)
    for _ in range(3):
        asset = rng.integers(0, 2, 400)
        losses = rng.random((3, 400)) ** 2
        losses[0, asset == 1] *= 0.9
        losses *= np.where(asset == 0, unit, 1.0)
        sides = [Losses(asset, losses[[side, 2]], np.full(400, 200)) for side in (0, 1)]
        fold.add(sides[0], sides[1], embargo=100)
    return fold


def test_a_dear_asset_counts_no_more_than_a_cheap_one() -> None:
    near, far = (_fold(duel_fold(unit), Objective.MSE) for unit in (1.0, 1e8))
    assert (near.chosen, near.baseline) == pytest.approx((far.chosen, far.baseline), rel=1e-9)
    leads = [better_by(duel_fold(unit).against(Objective.MSE)) for unit in (1.0, 1e8)]
    assert leads[0] == pytest.approx(leads[1], rel=1e-9)
    # The lead of the cheap one would be nothing beside the dear one's noise.
    raw = better_by(duel_fold(1e8).against(Objective.LOG))
    assert abs(leads[0] - raw) > 0.3


def test_a_fold_scores_assets_as_a_duel_does() -> None:
    fold = duel_fold(1e8)
    judged, (chosen, _, persistence) = fold.sums.judged, fold.sums.losses
    skills = 1.0 - chosen / persistence
    expected = (skills * judged).sum() / judged.sum()
    assert _fold(fold, Objective.MSE).chosen == pytest.approx(expected, rel=1e-9)
    assert judged.sum() == 1_200


def test_folds_are_equal_and_every_row_is_in_one() -> None:
    source = open_ticks(random_table(1_003, 7, seed=71), Layout()).open
    folds = Folds.of(count_rows(source()), folds=4, held_out=2)
    assert folds.cuts == (0, 251, 502, 752, 1003)
    assert list(folds.rounds) == [2, 3]
    rows: dict[int, list[int]] = {number: [] for number in range(3)}
    for fold, chunk in pieces(source(), folds.cuts[:4]):
        rows[fold] += chunk.offset.tolist()
    assert [rows[fold] for fold in range(3)] == [
        list(range(a, b)) for a, b in ((0, 251), (251, 502), (502, 752))
    ]


@pytest.mark.parametrize(
    ("rows", "folds", "held_out", "message"),
    [(100, 2, 2, "at least one must judge and one choose"), (3, 5, 1, "3 rows do not fill 5")],
)
def test_too_few_folds_or_rows(rows: int, folds: int, held_out: int, message: str) -> None:
    with pytest.raises(TuningError, match=message):
        Folds.of(rows, folds=folds, held_out=held_out)


@pytest.mark.parametrize("candidates", [2, 10, 100])
def test_the_best_of_many_worthless_ones(candidates: int) -> None:
    best = np.random.default_rng(6).normal(size=(20_000, candidates)).max(axis=1)
    # The formula is the limit of many; of two it is 0.08 off.
    assert expected_best(candidates) == pytest.approx(best.mean(), abs=0.09)
    at = float(np.quantile(best, 0.95))
    assert chance_of_best(at, candidates) == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("ticks", [100, 5_000])
@pytest.mark.parametrize("errors", [-3.0, -0.2, 1.0, 2.0, 4.0])
def test_standard_errors_of_few_ticks_count_for_less(ticks: int, errors: float) -> None:
    noise = np.random.default_rng(7).normal(size=ticks)
    series = LossDifference()
    series.add((noise - noise.mean()) / noise.std() - errors / np.sqrt(ticks))
    expected = diebold_mariano([series])
    assert chance(better_by([series])) == pytest.approx(expected.chance, rel=0.05)
    assert abs(better_by([series])) < abs(expected.statistic)


def test_one_candidate_needs_no_deflation() -> None:
    assert expected_best(1) == 0.0
    assert np.isnan(chance_of_best(np.nan, 5))
