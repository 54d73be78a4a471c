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
from workers.scoring import LossDifference, diebold_mariano


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(12, 200))
def test_diebold_mariano_in_pieces_is_the_formula(seed: int, assets: int, ticks: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.1, 1.0, (ticks, assets))
    difference = noise + 0.7 * np.roll(noise, 1, axis=0)
    parts = []
    for lane in difference.T:
        part = LossDifference()
        for piece in np.split(lane, np.sort(rng.integers(0, ticks, 6))):
            part.add(piece)
        parts.append(part)
    expected = written_out(difference, lags=10)
    mean, error, statistic = diebold_mariano(parts)
    assert mean == pytest.approx(difference.mean())
    if np.isnan(expected):
        assert np.isnan(statistic)
    else:
        assert (statistic, mean / error) == pytest.approx((expected, expected), rel=1e-6)


def test_nothing_and_no_difference_have_no_statistic() -> None:
    assert np.isnan(diebold_mariano([])[2])
    part = LossDifference()
    part.add(np.zeros(50))
    assert diebold_mariano([part])[0] == 0.0
    assert np.isnan(diebold_mariano([part])[2])


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
    empty, found = stretches.error_of_sum()
    assert np.isnan(empty)
    expected = written_out(difference, lags=10)
    # Sums of the first and last few are taken as the mean's: an error of the order lags / ticks.
    if abs(expected) > 0.1:
        assert difference.sum() / found == pytest.approx(expected, rel=0.1)
