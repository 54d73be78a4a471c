"""Kernel D inside the whole step: masks, depths, sparse streams, and the emergency's override."""

import functools

import numpy as np
import pytest

from core import Flag, Input, Kernel, Output, PredictorConfig, TileStep, compile_step, state_layout
from tests.core.ticks import drive, packed, random_walks


@functools.cache
def step(log_sig_depth: int = 3, kernel_d: str = "fading", dtype: str = "float64") -> TileStep:
    settings = f'{{"log_sig_depth": {log_sig_depth}, "kernel_d": "{kernel_d}"}}'
    return compile_step(PredictorConfig.from_json(settings), dtype)


def reverting(ticks: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(ticks, 64))
    path = np.zeros_like(noise)
    for t in range(1, ticks):
        path[t] = 0.5 * path[t - 1] + noise[t]
    return 100.0 + path


def weights(outputs: np.ndarray) -> np.ndarray:
    return outputs[:, Output.WEIGHT_A : Output.WEIGHT_D + 1]


def test_an_emergency_gives_all_weight_to_d_unless_d_is_masked() -> None:
    noise = np.random.default_rng(1).normal(size=(1200, 64))
    prices = 100.0 + np.cumsum(noise, axis=0)
    prices[600:] = prices[600] + 3.0 * noise[600:]  # as rough as it gets
    _, out = drive(step(), np.stack([packed(p) for p in prices]))
    emergency = (out[:, Output.FLAGS].astype(int) & int(Flag.EMERGENCY_MODE)) > 0
    assert emergency.mean() > 0.2
    only_d = np.array([0.0, 0.0, 0.0, 1.0])
    seen = np.moveaxis(weights(out), 1, 2)
    assert np.all(seen[emergency] == only_d)
    assert np.all(seen[~emergency] == only_d, axis=-1).mean() < 0.2
    mixed = prices + out[:, Output.FORECAST_D]
    np.testing.assert_allclose(
        out[:, Output.PREDICTED_PRICE][emergency], mixed[emergency], rtol=1e-12
    )
    without = int(Kernel.A | Kernel.C)
    _, masked = drive(step(), np.stack([packed(p, mask=without) for p in prices]))
    assert np.all(masked[:, Output.WEIGHT_D] == 0.0)
    assert np.isnan(masked[:, Output.FORECAST_D]).all()


def test_a_masked_kernel_goes_on_learning() -> None:
    prices = reverting(600, 2)
    slices = state_layout(step().config).slices
    states = [
        drive(step(), np.stack([packed(p, mask=mask) for p in prices]))[0] for mask in (7, 15)
    ]
    for name in ("signature.fading", "signature.coefficients", "signature.covariance"):
        assert states[0][slices[name]].tobytes() == states[1][slices[name]].tobytes(), name


def test_the_depth_used_is_reported_and_changes_the_forecast() -> None:
    prices = reverting(900, 3)
    inputs = np.stack([packed(p) for p in prices])
    inputs[:, Input.DEPTH] = 5
    inputs[600:, Input.DEPTH] = 2
    inputs[700:, Input.DEPTH] = 4
    _, out = drive(step(5), inputs)
    reported = out[:, Output.SIGNATURE_DEPTH, 0]
    assert [reported[t] for t in (599, 600, 699, 700, 899)] == [5, 2, 2, 3, 3]
    inputs[:, Input.DEPTH] = 5
    _, deep = drive(step(5), inputs)
    assert np.all(out[:600] == deep[:600], where=~np.isnan(deep[:600]))
    assert np.abs(out[600:, Output.FORECAST_D] - deep[600:, Output.FORECAST_D]).max() > 1e-3


def test_a_sparse_stream_freezes_d_and_not_the_weights() -> None:
    prices = reverting(700, 4)
    inputs = np.stack([packed(p) for p in prices])
    inputs[600:, Input.DT_S] = 10.0
    state, out = drive(step(), inputs)
    before, _ = drive(step(), inputs[:600])
    assert np.all(out[600:, Output.FORECAST_D] == 0.0)
    assert np.abs(out[500:600, Output.FORECAST_D]).mean() > 0.1
    slices = state_layout(step().config).slices
    assert (
        state[slices["signature.fading"]].tobytes() == before[slices["signature.fading"]].tobytes()
    )
    changed = state[slices["orchestrator.weights"]] != before[slices["orchestrator.weights"]]
    assert changed.any()


@pytest.mark.parametrize("kernel_d", ["fading", "window"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bits_do_not_depend_on_rounds_or_neighbours(kernel_d: str, dtype: str) -> None:
    """Lanes of their own phase: every lane gets its ticks in order, at rounds of its choosing."""
    run = step(5, kernel_d, dtype)
    prices = random_walks(160, seed=5)
    state, _ = drive(run, np.stack([packed(p) for p in prices]))
    rng = np.random.default_rng(6)
    position, rounds = np.zeros(64, dtype=int), []
    while (position < len(prices)).any():
        due = (rng.random(64) < 0.5) & (position < len(prices))
        at = np.minimum(position, len(prices) - 1)
        price = np.where(due, prices[at, np.arange(64)], np.nan)
        rounds.append(packed(price, active=due.astype(float)))
        position += due
    ragged, _ = drive(run, np.stack(rounds))
    assert ragged.tobytes() == state.tobytes()
