"""The report's statistics, in one pass and in pieces, against formulas written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from benchmarks.skill import diebold_mariano as written_out
from ops.report.certainty import StretchSkill
from ops.report.measure import _asset
from ops.report.peers import PEERS, PeerState, peer_forecasts
from ops.report.skill import AssetSkill


def naive(price: np.ndarray) -> dict[str, float]:
    """The forecasts at the last tick, from all prices up to it."""
    moves = np.diff(price, prepend=price[0])
    level = price[0]
    for one in price:
        level = 0.5 * one + 0.5 * level
    square = float(np.sum(moves[:-1] ** 2))
    slope = float(np.sum(moves[1:] * moves[:-1])) / square if square else 0.0
    return {
        "persistence": price[-1],
        "drift": price[-1] + (price[-1] - price[0]) / max(price.size - 1, 1),
        "ewma": level,
        "ar1": price[-1] + slope * moves[-1],
    }


@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3, 50], [97]])
def test_peers_know_the_past_only(cuts: list[int]) -> None:
    price = 100.0 + np.cumsum(np.random.default_rng(3).normal(size=120))
    state = PeerState()
    made = np.concatenate([peer_forecasts(state, p) for p in np.split(price, cuts)], axis=1)
    for at in (0, 1, 2, 5, 60, 119):
        expected = naive(price[: at + 1])
        assert made[:, at].tolist() == pytest.approx([expected[peer] for peer in PEERS])
    assert state.forecasts == made[:, -1].tolist()


def test_peers_are_what_statsmodels_computes() -> None:
    price = 100.0 + np.cumsum(np.random.default_rng(4).normal(size=300))
    made = dict(zip(PEERS, peer_forecasts(PeerState(), price)[:, -1], strict=True))
    moves = np.diff(price)
    slope = OLS(moves[1:], moves[:-1]).fit().params[0]
    assert made["ar1"] == pytest.approx(price[-1] + slope * moves[-1], rel=1e-12)
    smooth = SimpleExpSmoothing(price, initialization_method="known", initial_level=price[0])
    level = smooth.fit(smoothing_level=0.5, optimized=False).forecast(1)[0]
    assert made["ewma"] == pytest.approx(level, rel=1e-12)


def skilled(
    rng: np.random.Generator, shape: tuple[int, ...], skill: float
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of a model of such a skill and of persistence, in units of persistence's."""
    shared, ours, theirs = rng.normal(size=(3, *shape))
    return np.sqrt(1.0 - skill) * (0.8 * shared + 0.6 * ours), 0.8 * shared + 0.6 * theirs


@given(st.integers(0, 2**32 - 1), st.floats(-2.0, 0.9))
def test_the_error_of_a_stretch_is_the_long_run_one(seed: int, skill: float) -> None:
    rng = np.random.default_rng(seed)
    model, base = (one**2 for one in skilled(rng, (150, 3), skill))
    for loss in (model, base):
        loss[1:] += 0.7 * loss[:-1]
    stretches = StretchSkill(2)
    asset = np.tile(np.arange(3), 150)
    losses = np.full((2, 453), np.nan)
    losses[:, :450] = model.ravel(), base.ravel()
    at = np.append(np.ones(450, np.int64), np.zeros(3, np.int64))
    stretches.add(at, np.append(asset, np.arange(3)), losses)
    empty, half = stretches.half_width(0.95)
    assert np.isnan(empty)
    # The figure of a series that is moved by one is one over its error.
    errors = model - base * model.sum() / base.sum()
    expected = 450.0 / written_out(errors + 1.0, lags=10)
    # Sums of the first and last few are taken as the mean's: an error of the order lags / ticks.
    assert half / 1.975 * base.sum() == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("skill", [0.0, 0.5, -1.0])
@pytest.mark.parametrize(("ticks", "assets"), [(60, 1), (20, 5)])
def test_an_interval_of_a_short_stretch_holds_about_as_often_as_it_says(
    ticks: int, assets: int, skill: float
) -> None:
    rng, count = np.random.default_rng(5), 4_000
    model, base = (one**2 for one in skilled(rng, (count, ticks * assets), skill))
    stretches = StretchSkill(count)
    at = np.repeat(np.arange(count), ticks * assets)
    stretches.add(
        at, np.tile(np.arange(assets), count * ticks), np.stack([model, base]).reshape(2, -1)
    )
    off = np.abs(1.0 - model.sum(axis=1) / base.sum(axis=1) - skill)
    assert np.mean(off < stretches.half_width(0.95)) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("skill", [0.0, 0.5, -3.0])
def test_an_interval_of_the_skill_holds_as_often_as_it_says(skill: float) -> None:
    rng, inside = np.random.default_rng(6), []
    for _ in range(600):
        model, base = skilled(rng, (1_000,), skill)
        price = 100.0 + np.append(0.0, np.cumsum(base))
        forecast = np.append(price[1:] - model, np.nan)
        asset = AssetSkill()
        for piece in np.split(np.arange(price.size), [7, 400]):
            warm = np.ones(piece.size, np.bool_)
            asset.add(price[piece], forecast[piece], np.ones(piece.size), warm)
        found = _asset("A", asset)
        inside.append(found["skill_low"] <= skill <= found["skill_high"])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.025)


def test_too_short_a_stretch_has_none() -> None:
    stretches = StretchSkill(1)
    stretches.add(np.zeros(19, np.int64), np.zeros(19, np.int64), np.arange(38.0).reshape(2, 19))
    assert np.isnan(stretches.half_width(0.95)).all()


def test_a_price_that_stands_has_no_skill_to_be_sure_of() -> None:
    stretches = StretchSkill(1)
    stretches.add(np.zeros(50, np.int64), np.zeros(50, np.int64), np.zeros((2, 50)))
    assert np.isnan(stretches.half_width(0.95)).all()
