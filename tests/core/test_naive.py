"""The whole step against the predictor written naively, asset by asset (`benchmarks/naive`)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import naive
from core import (
    NETWORK_SURFACE,
    Flag,
    Input,
    Output,
    PredictorConfig,
    TileStep,
    asset_layout,
    compile_step,
    compile_trainer,
    init_surfaces,
    init_tile,
)
from tests.core.ticks import drive, packed, random_walks

# The maxima lines have a test of their own: written naively they take most of a tick's time.
# The last two only matter where kernel B trains: often, and with a network that begins anew.
CONFIG = PredictorConfig(holder_estimator="bank", dgm_every=3, dgm_entropy_gamma=1.0)
TICKS = 1800
FLAGS = ("flags", "raised", "cleared", "instant", "mode", "kernel_mask")
FOUR = {"weights": Output.WEIGHT_A, "forecasts": Output.FORECAST_A}
# Relative to the values' own size and their scale; the two sum in different orders.
TOLERANCE = 1e-7


@functools.cache
def compiled(config: PredictorConfig) -> TileStep:
    return compile_step(config)


def ticks_of(inputs: np.ndarray) -> naive.Tick:
    rows = jnp.asarray(inputs)
    return naive.Tick(
        price=rows[:, Input.PRICE],
        target=rows[:, Input.TARGET],
        dt_s=rows[:, Input.DT_S],
        age_ratio=rows[:, Input.AGE_RATIO],
        depth=rows[:, Input.DEPTH],
        runs=jnp.moveaxis(rows[:, Input.MASK_A : Input.MASK_D + 1], 1, 2) > 0.0,
    )


def rows_of(name: str, outputs: np.ndarray) -> np.ndarray:
    if name in FOUR:
        first = FOUR[name]
        return np.moveaxis(outputs[:, first : first + 4], 1, 2)
    return outputs[:, Output[name.upper()]]


def agree(inputs: np.ndarray, config: PredictorConfig = CONFIG) -> np.ndarray:
    """Assert that both give the same results at every tick; the tile's outputs."""
    _, outputs = drive(compiled(config), inputs)
    compare(outputs, naive.run(config, ticks_of(inputs), training=False))
    return outputs


def compare(outputs: np.ndarray, results: naive.Result) -> None:
    """Assert that flags are equal and numbers close, at every tick."""
    for name in naive.Result._fields:
        expected = np.asarray(getattr(results, name))
        got = rows_of(name, outputs)
        if name in FLAGS:
            np.testing.assert_array_equal(got, expected, err_msg=name)
        else:
            np.testing.assert_allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


def bits(outputs: np.ndarray, flag: Flag) -> np.ndarray:
    return (outputs[:, Output.FLAGS].astype(int) & int(flag)) > 0


def nasty(seed: int) -> np.ndarray:
    """Inputs of a tile: every lane a walk in another world, with what real feeds do to it."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_t(3, (TICKS, 64)) * np.exp(rng.normal(0.0, 1.0, 64))
    steps[:, 16:32] = np.round(steps[:, 16:32] / 2.0)  # a coarse price grid: mostly ties
    steps[900:, 32:48] *= 4.0  # volatility breaks
    steps[1200:, ::4] += 1.5 * np.abs(steps[:900]).mean()  # a drift begins
    steps += rng.normal(0.0, 15.0, steps.shape) * (rng.random(steps.shape) < 0.004)  # jumps
    prices = 1000.0 + np.cumsum(steps, axis=0)
    prices[:, 8:16] += np.sign(rng.normal(size=(TICKS, 8))) * 2.0  # bid and ask
    prices[400:430, 40:56] = prices[400, 40:56]  # standstill
    prices[700:, 1::8] += 400.0  # a gap that stays
    spikes = rng.random(prices.shape) < 0.003
    targets = np.where(rng.random(prices.shape) < 0.05, np.nan, prices)
    seen = np.where(spikes, prices * 3.0, prices)
    seen[rng.random(prices.shape) < 0.002] = np.nan
    seen[rng.random(prices.shape) < 0.001] = np.inf
    targets[5::97] = targets[5::97] + 3.0  # a target that is not the price
    stale = np.zeros_like(prices)
    stale[500:540] = rng.uniform(0.7, 1.6, (40, 64))
    inputs = np.stack([packed(p, target=y) for p, y in zip(seen, targets, strict=True)])
    inputs[:, Input.AGE_RATIO] = stale
    inputs[:, Input.DT_S] = rng.exponential(0.03, prices.shape) - 0.005
    inputs[1500:1560, Input.MASK_C] = 0.0
    inputs[1530:1540, Input.MASK_A] = 0.0
    inputs[1600:1660, Input.MASK_D] = 0.0
    inputs[1400:1700, Input.DEPTH] = 2
    return inputs


def test_random_walks() -> None:
    agree(np.stack([packed(p) for p in random_walks(1200, seed=31)]))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nasty_series(seed: int) -> None:
    outputs = agree(nasty(seed))
    for flag in (
        Flag.EMERGENCY_MODE,
        Flag.DEGRADED_INFERENCE_MODE,
        Flag.FREQUENCY_WARNING,
        Flag.DOMAIN_ERROR,
        Flag.REGIME_CHANGE_DETECTED,
        Flag.KURTOSIS_OUTLIER_WARNING,
    ):
        assert bits(outputs, flag).any(), flag.name


def test_bad_prices_among_an_assets_first() -> None:
    """Such that the scale is found to be wrong, and learned anew."""
    prices = random_walks(600, seed=32)
    prices[np.arange(64) % 40, np.arange(64)] = np.where(np.arange(64) % 2, 0.0, 1e4)
    prices[300:420, ::8] = prices[300, ::8]
    outputs = agree(np.stack([packed(p) for p in prices]))
    assert bits(outputs, Flag.DOMAIN_ERROR)[:, 32:40].any()


def test_prices_of_any_size() -> None:
    inputs = nasty(3)
    for lane in range(64):
        inputs[:, [Input.PRICE, Input.TARGET], lane] *= 10.0 ** (lane % 13 - 6)
    _, outputs = drive(compiled(CONFIG), inputs)
    results = naive.run(CONFIG, ticks_of(inputs), training=False)
    for name in ("holder_exponent", "cusum_drift", "kurtosis", "weights", "free_energy"):
        expected = np.asarray(getattr(results, name))
        np.testing.assert_allclose(rows_of(name, outputs), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(outputs[:, Output.FLAGS], np.asarray(results.flags))


def test_mean_reverting_rough_and_smooth_paths() -> None:
    """Where the kernels have something to say, so that their forecasts are not gated to zero."""
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(TICKS, 64))
    path = np.zeros_like(noise)
    decay = np.linspace(-0.5, 0.99, 64)
    for t in range(1, TICKS):
        path[t] = decay * path[t - 1] + noise[t]
    path[:, ::3] = np.cumsum(path[:, ::3], axis=0)
    outputs = agree(np.stack([packed(100.0 + p) for p in path]))
    sizes = np.abs(np.nan_to_num(outputs[600:, [Output.FORECAST_A, Output.FORECAST_C]]))
    assert (sizes.mean(axis=(0, 2)) > 0.05).all()


def test_maxima_lines_under_the_default_configuration() -> None:
    """Jumps, spikes, ramps and lines of moderate loudness, some of them among late ticks."""
    ticks = 900
    rng = np.random.default_rng(11)
    steps = rng.normal(size=(ticks, 64))
    steps += rng.normal(0.0, 12.0, steps.shape) * (rng.random(steps.shape) < 0.01)
    steps[700, ::2] += 14.0
    steps[701, ::4] -= 14.0
    steps[750:754, 1::4] += 5.0
    steps[820, 3::4] += 16.0
    inputs = np.stack([packed(p) for p in 1000.0 + 0.1 * np.cumsum(steps, axis=0)])
    inputs[800:, Input.DT_S, 3::8] = 0.2
    outputs = agree(inputs, PredictorConfig())
    emergency = bits(outputs, Flag.EMERGENCY_MODE)
    assert emergency[710:740, ::4].any(axis=0).mean() > 0.8
    assert (outputs[700:, Output.HOLDER_EXPONENT].min(axis=0) < 0.35).mean() > 0.5
    assert emergency[830:870, 7::8].any(axis=0).mean() > 0.8 > 0.3 > emergency[850:, 3::8].mean()


def trained(inputs: np.ndarray, config: PredictorConfig) -> np.ndarray:
    """Outputs of a tile whose networks all train when they are due."""
    step, trainer, layout = compiled(config), compile_trainer(config), asset_layout(config)
    fresh = layout.split(layout.fresh("float64")[np.newaxis])[1]
    networks, surfaces = np.repeat(fresh, 64, axis=0), init_surfaces()
    tile, outputs = jax.device_put(init_tile(config)), []
    for t, tick in enumerate(inputs):
        tile, output = step(tile, tick, surfaces)
        outputs.append(np.asarray(output))
        due = (tick[Input.MASK_B] > 0.0) & ((t + 1) % config.dgm_every == 0)
        if due.any():
            blocks = np.asarray(tile)[trainer.block].T
            networks[due] = trainer(blocks[due], networks[due])
            surfaces = networks[:, NETWORK_SURFACE].T.copy()
    return np.stack(outputs)


def test_training_of_kernel_b() -> None:
    """Mean reversion that changes, a mask, refused ticks and a network that has to begin anew."""
    ticks, lanes = 480, 8
    rng = np.random.default_rng(5)
    noise, path = rng.normal(size=(ticks, 64)), np.zeros((ticks, 64))
    for t in range(1, ticks):
        decay = np.linspace(0.2, 0.97, 64) if t < 300 else 0.5
        path[t] = decay * path[t - 1] + noise[t]
    inputs = np.stack([packed(100.0 + p) for p in path[:, np.arange(64) % lanes * 8]])
    inputs[400:420, Input.MASK_B, :4] = 0.0
    inputs[210:214, Input.PRICE, 1] *= 2.0
    outputs = trained(inputs, CONFIG)
    results = naive.run(CONFIG, ticks_of(inputs[:, :, :lanes]))
    compare(outputs[:, :, :lanes], results)
    warned = bits(outputs, Flag.MODE_COLLAPSE_WARNING)[:, :lanes]
    assert warned.any() and not warned.all()
    forecasts = np.nan_to_num(outputs[250:, Output.FORECAST_B, :lanes])
    assert (np.abs(forecasts).mean(axis=0) > 0.02).all()
