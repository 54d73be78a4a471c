"""The test of loss differences against statsmodels, matrices written out, and its own promise."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from workers.scoring import ENOUGH, LAGS, LossDifference, diebold_mariano, ratio_errors


def series(values: np.ndarray, cuts: Sequence[int] = ()) -> LossDifference:
    found = LossDifference()
    for piece in np.split(values, cuts):
        found.add(piece)
    return found


def dependent(rng: np.random.Generator, count: int, phi: float = 0.5) -> np.ndarray:
    """An autoregression of deviation 1, around 0."""
    values = rng.normal(size=count)
    values[1:] *= np.sqrt(1.0 - phi**2)
    for i in range(1, count):
        values[i] += phi * values[i - 1]
    return values


def hac_variance(values: np.ndarray) -> float:
    """Of the mean, by statsmodels."""
    model = OLS(values, np.ones(values.size))
    return float(model.fit(cov_type="HAC", cov_kwds={"maxlags": LAGS}).cov_params()[0, 0])


def small_sample(count: int) -> tuple[float, float]:
    """For white noise: mean of the variance's estimate over the truth, and its freedom."""
    lag = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    weight = np.maximum(1.0 - lag / (min(LAGS, count // 10) + 1.0), 0.0)
    centring = np.eye(count) - 1.0 / count
    form = centring @ weight @ centring
    return float(np.trace(form)) / count, float(np.trace(form)) ** 2 / float(np.sum(form**2))


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(ENOUGH, 300))
def test_it_is_statsmodels_asset_by_asset(seed: int, assets: int, ticks: int) -> None:
    rng = np.random.default_rng(seed)
    lanes = [dependent(rng, ticks) + rng.normal() for _ in range(assets)]
    test = diebold_mariano(
        series(lane, sorted(rng.integers(0, ticks, 6).tolist())) for lane in lanes
    )
    share, freedom = small_sample(ticks)
    error = np.sqrt(sum(hac_variance(lane) for lane in lanes) / share) / assets
    mean = np.mean(lanes)
    assert test.mean == pytest.approx(mean)
    assert (test.error, test.statistic) == pytest.approx((error, mean / error), rel=1e-9)
    # Of a sum it is that of the surest at least, and that of all together at most.
    assert 0.98 * freedom < test.freedom < 1.15 * assets * freedom
    if assets == 1:
        assert test.freedom == pytest.approx(freedom, rel=0.01)


def test_large_samples_are_the_plain_figure() -> None:
    values = dependent(np.random.default_rng(2), 40_000) + 0.05
    test = diebold_mariano([series(values)])
    plain = values.mean() / np.sqrt(hac_variance(values))
    assert test.statistic == pytest.approx(plain, rel=3e-4)
    assert test.quantile(0.05) == pytest.approx(-1.645, abs=1e-3)


def white(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(size=count)


def heavy(rng: np.random.Generator, count: int) -> np.ndarray:
    """Squared errors of two forecasters as good as each other."""
    shared, own = rng.standard_t(4, count), 0.5 * rng.normal(size=(2, count))
    return np.asarray((shared + own[0]) ** 2 - (shared + own[1]) ** 2)


@pytest.mark.parametrize(
    ("make", "counts", "off"),
    [
        (white, [100], 0.012),
        (white, [130, 130], 0.012),
        (white, [5] * 20, 0.025),
        (white, [1] * 100, 0.025),
        (white, [400, 1, 4, 7], 0.012),
        (heavy, [100], 0.015),
        (heavy, [60, 50], 0.015),
        (dependent, [200], 0.03),
        (dependent, [20] * 10, 0.03),
    ],
)
def test_noise_is_significant_as_often_as_it_says(
    make: Callable[[np.random.Generator, int], np.ndarray], counts: list[int], off: float
) -> None:
    rng, tries = np.random.default_rng(3), 3_000 if len(counts) < 10 else 800
    chances = [diebold_mariano(series(make(rng, n)) for n in counts).chance for _ in range(tries)]
    below, above = np.mean(np.array(chances) < 0.05), np.mean(np.array(chances) > 0.95)
    assert (below, above) == pytest.approx((0.05, 0.05), abs=off)


@pytest.mark.parametrize("counts", [[ENOUGH - 1], [2], [1], [33, 33, 33], [1] * 50])
def test_too_few_tell_nothing(counts: list[int]) -> None:
    rng = np.random.default_rng(4)
    test = diebold_mariano(series(rng.normal(3.0, 1.0, n)) for n in counts)
    assert np.isfinite(test.mean)
    assert np.isnan([test.error, test.statistic, test.chance, test.quantile(0.5)]).all()


def test_nothing_and_no_difference_have_no_statistic() -> None:
    assert np.isnan(diebold_mariano([]).mean)
    still = diebold_mariano([series(np.zeros(500))])
    assert still.mean == 0.0
    assert np.isnan([still.error, still.statistic, still.chance]).all()


@given(st.integers(0, 2**32 - 1), st.floats(-4.0, 4.0))
def test_what_a_ratio_errs_by_is_the_series_written_out(seed: int, magnitude: float) -> None:
    rng = np.random.default_rng(seed)
    second = rng.normal(size=150) ** 2
    first = 10.0**magnitude * (second + rng.normal(size=150) ** 2)
    ratio, cuts = float(first.sum() / second.sum()), sorted(rng.integers(0, 150, 4).tolist())
    ours, theirs, less = (series(one, cuts) for one in (first, second, first - second))
    found = diebold_mariano([ratio_errors(ours, theirs, less, ratio)])
    expected = diebold_mariano([series(first - ratio * second)])
    assert (found.error, found.freedom) == pytest.approx((expected.error, expected.freedom))
    assert found.mean == pytest.approx(0.0, abs=1e-9 * first.mean())
