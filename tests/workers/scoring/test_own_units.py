"""Assets of any price count by their forecasts."""

import numpy as np
import pytest

from workers.scoring import ENOUGH, LossDifference, diebold_mariano, own_skill, own_units


def test_the_skill_is_the_mean_of_the_assets_by_their_forecasts() -> None:
    rng = np.random.default_rng(1)
    judged = rng.integers(ENOUGH, 5_000, 12)
    persistence = rng.random(12) * judged * 10.0 ** rng.integers(-12, 12, 12)
    ratio = rng.uniform(0.5, 1.2, 12)
    expected = np.average(1.0 - ratio, weights=judged)
    assert own_skill(judged, ratio * persistence, persistence) == pytest.approx(expected, rel=1e-12)


def test_of_one_asset_it_is_the_share_of_its_loss() -> None:
    one = np.array([7]), np.array([3.0]), np.array([4.0])
    assert own_skill(*one) == pytest.approx(0.25)


def test_assets_with_few_forecasts_share_a_unit() -> None:
    judged = np.array([ENOUGH, 1, ENOUGH - 1])
    units = own_units(judged, np.array([1e6, 1e-9, 300.0]))
    assert units[0] == pytest.approx(1e6 / ENOUGH)
    assert units[1] == units[2] == pytest.approx(300.0 / ENOUGH)


def test_a_price_that_never_moved_says_nothing() -> None:
    judged, persistence = np.array([500, 500]), np.array([0.0, 10.0])
    assert own_skill(judged, np.array([99.0, 5.0]), persistence) == pytest.approx(0.5)
    assert np.isnan(own_skill(judged[:1], np.array([99.0]), persistence[:1]))


def test_a_series_in_other_units_is_as_sure() -> None:
    values = np.random.default_rng(2).normal(0.1, 1.0, 1_000)
    series = LossDifference()
    series.add(values)
    other = LossDifference()
    other.add(values / 1e5)
    found = series.in_units(1e5)
    assert diebold_mariano([found]) == pytest.approx(diebold_mariano([other]), rel=1e-9)
    assert found.centred(0.2) == pytest.approx(other.centred(0.2), rel=1e-9)
