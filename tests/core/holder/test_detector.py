"""The Hölder detector: a from-scratch reference, accuracy on exact paths, bits of a lane."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_toeplitz

from core import PredictorConfig, holder
from core.holder.bank import Peak
from core.holder.detector import fuse_memories
from tests.core.holder.paths import Series, bounced_noise, fractional_noise
from tests.core.scanning import as_input, fresh, scan

EXPONENTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def detect(
    series: Series, base_scale: Any = "auto", dtype: str = "float64", estimator: Any = "fused"
) -> holder.HolderOutput:
    config = PredictorConfig(holder_base_scale=base_scale, holder_estimator=estimator)
    _, rows = scan(
        holder.fields(config),
        lambda state, r: holder.update(config, state, r),
        as_input(series, dtype),
        lanes=series.shape[1],
        dtype=dtype,
    )
    assert isinstance(rows, holder.HolderOutput)
    return rows


def reference_peak(x: np.ndarray, half_life: float) -> tuple[float, float]:
    """Exponent and error of one memory, from the whole history with explicit weights."""
    forgetting = 0.5 ** (1 / half_life)
    grid = np.arange(1, 20) * 0.05
    padded = np.concatenate([np.zeros(32), x])
    past = np.stack([padded[t : t + 32][::-1] for t in range(len(x))])
    weights = forgetting ** np.arange(len(x))[::-1]
    k = np.arange(33)
    scores = []
    for h in grid:
        gamma = (np.abs(k - 1) ** (2 * h) + (k + 1) ** (2 * h)) / 2 - k ** (2 * h)
        errors = x - past @ solve_toeplitz(gamma[:-1], gamma[1:])
        scores.append(-0.5 * weights.sum() * np.log(np.sum(weights * errors**2)))
    i = min(max(int(np.argmax(scores)), 1), 17)
    a, b, _ = np.polyfit(grid[i - 1 : i + 2] - grid[i], scores[i - 1 : i + 2], 2)
    vertex = grid[i] + np.clip(-b / (2 * a), -0.05, 0.05)
    total = weights.sum()
    spread = 1.05**2 * (weights**2).sum() / total
    exponent = 0.5 + total**2 / (total**2 + 16.0) * (vertex - 0.5)
    return exponent, 1 / np.sqrt(-2 * a / spread + 12 / 0.81)


def reference(x: np.ndarray) -> tuple[float, float]:
    """Both memories, fused by the significance of their difference."""
    (long, long_error), (short, short_error) = reference_peak(x, 512), reference_peak(x, 64)
    conflict = (short - long) ** 2 / max(short_error**2 - long_error**2, 0.02**2)
    share = min(max((conflict - 6) / 8, 0.0), 1.0)
    return long + share * (short - long), long_error + share * (short_error - long_error)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-8), ("float32", 1e-3)])
def test_agrees_with_a_reference_that_keeps_the_whole_history(dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(11)
    x = np.concatenate([fractional_noise(h, 200, 4, rng) for h in EXPONENTS], axis=1)
    x[140:, ::2] = fractional_noise(0.2, 60, 14, rng)  # some lanes change: memories disagree
    got = detect(x, 1, dtype)
    for ticks in (5, 40, 200):
        expected = np.array([reference(x[:ticks, lane]) for lane in range(x.shape[1])])
        np.testing.assert_allclose(got.holder_exponent[ticks - 1], expected[:, 0], atol=tolerance)
        np.testing.assert_allclose(got.standard_error[ticks - 1], expected[:, 1], atol=tolerance)


def test_memories_are_fused_by_the_significance_of_their_difference() -> None:
    def fused(short: float) -> float:
        long = Peak(jnp.full((1, 1), 0.5), jnp.full((1, 1), 0.03))
        other = Peak(jnp.full((1, 1), short), jnp.full((1, 1), 0.05))
        return float(fuse_memories(long, other).exponent[0, 0])

    assert fused(0.45) == 0.5  # 1.25 standard errors of 0.04
    assert fused(0.3) == pytest.approx(0.3)  # 5
    assert 0.38 < fused(0.38) < 0.5  # 3: in between


def test_accuracy_on_exact_fractional_noise() -> None:
    rng = np.random.default_rng(21)
    x = np.concatenate([fractional_noise(h, 512, 128, rng) for h in EXPONENTS], axis=1)
    got = detect(x)
    for ticks, goal in ((128, 0.062), (512, 0.029)):
        exponent = got.holder_exponent[ticks - 1].reshape(7, 128)
        errors = exponent - np.array(EXPONENTS)[:, None]
        rmse = np.sqrt(np.mean(errors**2, axis=1))
        assert rmse.mean() <= goal
        assert np.abs(errors.mean(axis=1)).max() <= 0.01 + 2 * rmse.max() / np.sqrt(128)
        normalised = errors / got.standard_error[ticks - 1].reshape(7, 128)
        assert 0.85 < normalised.std() < 1.15


def test_brownian_paths_raise_no_emergency_and_a_fall_to_a_quarter_does() -> None:
    rng = np.random.default_rng(31)
    calm = rng.standard_normal((1200, 128))
    rough = fractional_noise(0.25, 400, 128, rng)
    got = detect(np.concatenate([calm, rough]))
    assert got.emergency[:1200].mean() <= 2e-4  # goal 1e-4, on 2.5 million ticks in benchmarks
    flagged = got.emergency[1200:1500].any(axis=0)
    assert flagged.mean() >= 0.93
    assert np.median(got.emergency[1200:].argmax(axis=0)) <= 200


def test_bounce_moves_the_base_lag_and_not_the_exponent() -> None:
    got = detect(bounced_noise(1.0, 5000, 32, np.random.default_rng(41)))
    fixed = detect(bounced_noise(1.0, 1000, 32, np.random.default_rng(41)), 1)
    assert fixed.holder_exponent[-1].mean() < 0.3  # what lag 1 alone would say
    assert (got.base_lag[-1] > 1).mean() > 0.9
    assert got.holder_exponent[-1].mean() > 0.39


def test_a_path_that_became_smoother_is_not_read_on_a_coarser_lag() -> None:
    rng = np.random.default_rng(42)
    parts = ((0.5, 1500), (0.75, 1200), (0.5, 2000))
    got = detect(np.concatenate([fractional_noise(h, n, 64, rng) for h, n in parts]))
    assert (got.base_lag[1600:] > 1).mean() < 0.05
    for ticks, hurst in ((2699, 0.75), (4699, 0.5)):
        errors = got.holder_exponent[ticks] - hurst
        assert np.sqrt(np.mean(errors**2)) < 0.06


def test_mostly_equal_prices_are_read_on_a_lag_that_spans_price_changes() -> None:
    rng = np.random.default_rng(43)
    moves = rng.standard_normal((1000, 32)) * (rng.random((1000, 32)) < 0.05)
    got = detect(moves / moves.std())
    assert got.base_lag[-1].min() >= 64
    assert not got.emergency.any()


def test_a_fixed_base_scale_reads_sums_of_that_many_increments() -> None:
    got = detect(fractional_noise(0.7, 2048, 64, np.random.default_rng(47)), 8)
    assert (got.base_lag == 8).all()
    assert got.holder_exponent[-1].mean() == pytest.approx(0.7, abs=0.03)


def test_long_memory_forecast_earns_what_theory_allows() -> None:
    for hurst in (0.25, 0.8):
        x = fractional_noise(hurst, 1000, 256, np.random.default_rng(53))
        got = detect(x, 1)
        skill = np.mean((x[501:] - got.long_memory_forecast[500:-1]) ** 2)
        k = np.arange(65)
        gamma = (np.abs(k - 1) ** (2 * hurst) + (k + 1) ** (2 * hurst)) / 2 - k ** (2 * hurst)
        best = gamma[0] - gamma[1:] @ solve_toeplitz(gamma[:-1], gamma[1:])
        assert best * 0.98 < skill < best * 1.02


def _same_bytes(a: holder.HolderOutput, b: holder.HolderOutput) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_of_a_lane_do_not_depend_on_its_place_or_its_neighbours(dtype: str) -> None:
    rng = np.random.default_rng(61)
    x = rng.standard_normal((700, 64))
    x[rng.integers(200, 700, 64), np.arange(64)] += 15.0
    whole = detect(x, "auto", dtype)
    order = rng.permutation(64)
    shuffled = detect(x[:, order], "auto", dtype)
    assert _same_bytes(holder.HolderOutput(*(row[:, order] for row in whole)), shuffled)
    spoiled = x.copy()
    spoiled[300:, ::2] = np.nan
    beside = detect(spoiled, "auto", dtype)
    assert _same_bytes(
        holder.HolderOutput(*(row[:, 1::2] for row in whole)),
        holder.HolderOutput(*(row[:, 1::2] for row in beside)),
    )


@pytest.mark.parametrize("estimator", ["fused", "bank", "wtmm"])
@pytest.mark.parametrize("base_scale", ["auto", 1, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_keeps_its_shape_and_dtype(base_scale: Any, dtype: str, estimator: Any) -> None:
    config = PredictorConfig(holder_base_scale=base_scale, holder_estimator=estimator)
    state = fresh(holder.fields(config), 64, dtype)
    new, outputs = holder.update(config, state, jnp.ones((1, 64), dtype))
    assert {k: (v.shape, v.dtype) for k, v in new.items()} == {
        k: (v.shape, v.dtype) for k, v in state.items()
    }
    assert outputs.holder_exponent.dtype == dtype
