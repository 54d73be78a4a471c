"""Kurtosis against SciPy on the explicit window, and the warning against its sentence."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from core import PredictorConfig, cusum, kurtosis
from core.moments import Moments, measure, merge, without
from tests.core.scanning import as_input, scan

CONFIG = PredictorConfig()
FIELDS = cusum.fields(CONFIG) + kurtosis.fields(CONFIG)


def tails(
    residuals: np.ndarray,
    *,
    scored: np.ndarray | None = None,
    dtype: str = "float64",
    config: PredictorConfig = CONFIG,
) -> kurtosis.Tails:
    """Feed residuals through a baseline frozen at mean 0, variance 1 (n large)."""
    fields = tuple(
        type(f)(
            f.name,
            f.block,
            f.rows,
            {"cusum.variance": 1.0, "cusum.errors": 1e15}.get(f.name, f.initial),
        )
        for f in FIELDS
    )
    seen = np.ones(residuals.shape, bool) if scored is None else scored
    _, rows = scan(
        fields,
        lambda state, x: kurtosis.update(config, state, x[0], x[1]),
        (as_input(residuals, dtype), seen),
        lanes=residuals.shape[1],
        dtype=dtype,
    )
    assert isinstance(rows, kurtosis.Tails)
    return rows


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 2e-4)])
def test_equals_scipy_on_the_last_252_scored_residuals(dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(7)
    z = rng.standard_t(3, (900, 16)) + 2.0 * (np.arange(16) % 2)
    scored = rng.random((900, 16)) < 0.8
    got = tails(z, scored=scored, dtype=dtype)
    for lane in range(16):
        for tick in (200, 400, 700, 899):
            window = z[: tick + 1, lane][scored[: tick + 1, lane]][-252:]
            if len(window) < 252:
                expected = [3.0, 3.0]
            else:
                clipped = np.clip(window, -4, 4)
                bounded = np.clip(window, -64, 64)
                expected = [float(stats.kurtosis(w, fisher=False)) for w in (clipped, bounded)]
            measured = (got.kurtosis[tick, lane], got.raw_kurtosis[tick, lane])
            np.testing.assert_allclose(measured, expected, rtol=tolerance)


def test_equal_residuals_have_kurtosis_three() -> None:
    got = tails(np.full((300, 2), 1.5))
    assert got.kurtosis[-1, 0] == 3.0
    assert got.raw_kurtosis[-1, 0] == 3.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_errors_of_any_size_keep_the_literal_kurtosis_finite(dtype: str) -> None:
    errors = np.random.default_rng(8).normal(size=(300, 4))
    errors[200] = [1e9, -1e12, 1e20, 1e30]
    literal = PredictorConfig(cusum_threshold="literal")
    got = tails(errors, dtype=dtype, config=literal)
    assert np.isfinite(got.kurtosis).all() and np.isfinite(got.raw_kurtosis).all()
    np.testing.assert_allclose(got.kurtosis[-1], 250.0, rtol=0.01)  # of one outlier in 252


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_errors_too_small_to_be_squared_twice_are_flat(dtype: str) -> None:
    """As of prices near 1e-9 in float32, whose threshold was not a number from then on."""
    errors = np.random.default_rng(8).normal(size=(300, 4)) * [1e-8, 1e-11, 1e-13, 1e-18]
    got = tails(errors, dtype=dtype, config=PredictorConfig(cusum_threshold="literal"))
    assert np.isfinite(got.kurtosis).all() and np.isfinite(got.raw_kurtosis).all()
    expected = stats.kurtosis(errors[-252:, 0], fisher=False)
    np.testing.assert_allclose(got.kurtosis[-1, 0], expected, rtol=0.01)
    np.testing.assert_allclose(
        got.kurtosis[-1, 3],
        3.0 if dtype == "float32" else stats.kurtosis(errors[-252:, 3], fisher=False),
        rtol=0.01,
    )


def test_one_crash_is_no_warning_and_two_are_after_five_ticks() -> None:
    rng = np.random.default_rng(9)
    z = rng.standard_normal((400, 2))
    z[300, :] = 30.0
    z[310, 1] = -30.0
    got = tails(z)
    assert got.raw_kurtosis[305, 0] > 100
    assert not got.warning[:, 0].any()
    assert not got.warning[:315, 1].any()  # ticks 310 to 314 are five; more than five are needed
    assert got.warning[315:, 1].all()


@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e5), ("float64", 1e9), ("float32", 1e4)])
def test_an_error_that_hides_the_others_is_no_literal_warning(dtype: str, size: float) -> None:
    errors = np.random.default_rng(0).normal(size=(560, 16))
    errors[300] = size
    got = tails(errors, dtype=dtype, config=PredictorConfig(cusum_threshold="literal"))
    assert got.raw_kurtosis[305].min() > 100
    assert not got.warning.any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_bounded_residual_beside_hardly_any_is_no_warning(dtype: str) -> None:
    residuals = 0.01 * np.random.default_rng(0).normal(size=(560, 64))
    residuals[300] = 1e3
    got = tails(residuals, dtype=dtype)
    assert got.raw_kurtosis[305].min() > 100
    assert not got.warning.any()


@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_without_removes_one_row_exactly(spread: float) -> None:
    rng = np.random.default_rng(13)
    x = 3.0 + spread * rng.standard_normal((21, 8))
    x[5] += 40.0 * spread
    rest = without(measure(as_input(x)), as_input(x[5:6]), size=21)
    for got, expected in zip(rest, measure(as_input(np.delete(x, 5, axis=0))), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-9 * spread)


def test_merged_blocks_are_the_moments_of_all_rows() -> None:
    x = 100.0 + np.random.default_rng(17).standard_gamma(2.0, (252, 8))
    blocks = [measure(as_input(block)) for block in np.split(x, 12)]
    stacked = Moments(*(jnp.concatenate(values) for values in zip(*blocks, strict=True)))
    for got, expected in zip(merge(stacked, size=21), measure(as_input(x)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_a_neighbour_full_of_nan_changes_no_bit() -> None:
    z = np.random.default_rng(19).standard_normal((600, 64))
    spoiled = z.copy()
    spoiled[100:, ::2] = np.nan
    whole: Any = tails(z)
    beside: Any = tails(spoiled)
    for a, b in zip(whole, beside, strict=True):
        np.testing.assert_array_equal(a[:, 1::2], b[:, 1::2])
