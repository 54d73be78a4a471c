"""The report's statistics, in one pass and in pieces, against formulas written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from benchmarks.skill import diebold_mariano as written_out
from ops.report.differences import StretchDifference
from ops.report.peers import PEERS, PeerState, peer_forecasts


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


@given(st.integers(0, 2**32 - 1))
def test_the_error_of_a_stretch_is_the_long_run_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.1, 1.0, (150, 3))
    difference = noise + 0.7 * np.roll(noise, 1, axis=0)
    stretches = StretchDifference(2)
    asset = np.tile(np.arange(3), 150)
    values = np.append(difference.ravel(), np.full(3, np.nan))
    at = np.append(np.ones(450, np.int64), np.zeros(3, np.int64))
    stretches.add(at, np.append(asset, np.arange(3)), values)
    empty, half = stretches.half_width(0.95)
    assert np.isnan(empty)
    found = half / 1.975
    expected = written_out(difference, lags=10)
    # Sums of the first and last few are taken as the mean's: an error of the order lags / ticks.
    if abs(expected) > 0.1:
        assert difference.sum() / found == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("ticks", "assets"), [(20, 1), (60, 1), (12, 5)])
def test_an_interval_of_a_short_stretch_holds_as_often_as_it_says(ticks: int, assets: int) -> None:
    rng, count = np.random.default_rng(5), 4_000
    noise = rng.normal(size=(count, ticks * assets))
    stretches = StretchDifference(count)
    at = np.repeat(np.arange(count), ticks * assets)
    asset = np.tile(np.arange(assets), count * ticks)
    stretches.add(at, asset, noise.ravel())
    inside = np.abs(noise.sum(axis=1)) < stretches.half_width(0.95)
    assert inside.mean() == pytest.approx(0.95, abs=0.012)


def test_too_short_a_stretch_has_none() -> None:
    stretches = StretchDifference(1)
    stretches.add(np.zeros(19, np.int64), np.zeros(19, np.int64), np.arange(19.0))
    assert np.isnan(stretches.half_width(0.95)).all()
