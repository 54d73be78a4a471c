"""Three layers of one mathematics: float64 on the CPU is the truth, float32 and a GPU follow it.

Compared is what is continuous (predictor.md, section 10): relative to the window's scale for
prices, absolutely for exponents and weights. A flag is a threshold on one of them, so a lane
may cross it a tick earlier in one layer; lanes whose flags have ever differed are counted, few,
and left out from there on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
import pytest
from jaxtyping import Bool, Float64
from numpy import ndarray

from core import Output, PredictorConfig, compile_step
from core.flags import Flag
from tests.core.ticks import drive, packed

_TICKS = 400
Series = Callable[[int], Float64[ndarray, "ticks lanes"]]
_THRESHOLDS = int(
    Flag.EMERGENCY_MODE
    | Flag.REGIME_CHANGE_DETECTED
    | Flag.KURTOSIS_OUTLIER_WARNING
    | Flag.DOMAIN_ERROR
    | Flag.MODE_COLLAPSE_WARNING
    | Flag.FROZEN_SIGNAL
)


@dataclass(frozen=True)
class Layer:
    """Outputs of every tick, [ticks, outputs, lanes]."""

    outputs: Float64[ndarray, "ticks outputs lanes"]

    def of(self, output: Output) -> Float64[ndarray, "ticks lanes"]:
        """One of them."""
        row: Float64[ndarray, "ticks lanes"] = self.outputs[:, output]
        return row


def _walks(seed: int) -> Float64[ndarray, "ticks lanes"]:
    rng = np.random.default_rng(seed)
    increments = rng.standard_normal((_TICKS, 64))
    increments[1:] += 0.3 * increments[:-1]
    return np.asarray(100.0 + 0.01 * np.cumsum(increments, axis=0))


def _decimals(seed: int) -> Float64[ndarray, "ticks lanes"]:
    """Decimal grids whose prices come again, and stand still: half a lane's moves are none."""
    rng = np.random.default_rng(seed)
    moves = rng.integers(-2, 3, (_TICKS, 64)) * rng.integers(0, 2, (_TICKS, 64))
    moves[100 : 100 + rng.integers(30, 200), ::4] = 0
    tick, decimals = np.tile([0.02, 2e-6, 1e-5, 0.1], 16), np.tile([2, 6, 5, 1], 16)
    prices = np.tile([100.02, 0.01, 1.1, 12345.7], 16) + tick * np.cumsum(moves, axis=0)
    return np.stack([np.round(row, d) for row, d in zip(prices.T, decimals, strict=True)], axis=1)


def _layer(dtype: str, seed: int, series: Series = _walks) -> Layer:
    prices = series(seed)
    step = compile_step(PredictorConfig(), dtype)
    return Layer(drive(step, np.stack([packed(price) for price in prices]))[1])


def _agreeing(truth: Layer, other: Layer) -> Bool[ndarray, "ticks lanes"]:
    """Where no threshold has been crossed in one layer only, up to and at the tick."""
    flags = [layer.of(Output.FLAGS).astype(np.int64) & _THRESHOLDS for layer in (truth, other)]
    return np.asarray(~np.logical_or.accumulate(flags[0] != flags[1], axis=0))


def _distances(truth: Layer, other: Layer) -> dict[str, Float64[ndarray, " compared"]]:
    """Absolute differences where the layers' flags agree; prices in units of the scale."""
    agree = _agreeing(truth, other)
    assert agree[-1].mean() > 0.9, f"flags differ in {np.sum(~agree[-1])} of 64 lanes"
    found = {}
    for output in (Output.PREDICTED_PRICE, Output.LOCATION):
        difference = (truth.of(output) - other.of(output)) / truth.of(Output.SCALE)
        found[output.name] = np.abs(difference[agree])
    for output in (Output.HOLDER_EXPONENT, Output.WEIGHT_A, Output.WEIGHT_C, Output.WEIGHT_D):
        found[output.name] = np.abs((truth.of(output) - other.of(output))[agree])
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_float32_follows_float64(seed: int) -> None:
    for name, distance in _distances(_layer("float64", seed), _layer("float32", seed)).items():
        assert np.quantile(distance, 0.99) < 1e-4, name
        assert distance.max() < 1e-2, name


@pytest.mark.parametrize("seed", [1, 2])
def test_float32_knows_a_decimal_price_that_comes_again(seed: int) -> None:
    """Kept in fewer bits than it has, it must not differ from itself."""
    layers = [_layer(dtype, seed, _decimals) for dtype in ("float64", "float32")]
    for name, distance in _distances(*layers).items():
        assert np.quantile(distance, 0.99) < 1e-4, name
        assert distance.max() < 1e-2, name


def test_a_layer_of_another_configuration_is_told_apart() -> None:
    """The tolerance can fail: a predictor that is a little different is outside of it."""
    truth = _layer("float64", 1)
    moved = Layer(truth.outputs.copy())
    moved.outputs[:, Output.PREDICTED_PRICE] += 2e-4 * truth.of(Output.SCALE)
    assert np.quantile(_distances(truth, moved)["PREDICTED_PRICE"], 0.99) > 1e-4


def _gpus() -> list[jax.Device]:
    try:
        return list(jax.devices("gpu"))
    except RuntimeError:
        return []


@pytest.mark.skipif(not _gpus(), reason="no GPU here: the third layer was not compared")
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-3)])
def test_a_gpu_follows_the_cpu(dtype: str, tolerance: float) -> None:
    with jax.default_device(jax.devices("cpu")[0]):
        truth = _layer("float64", 1)
    compile_step.cache_clear()
    with jax.default_device(_gpus()[0]):
        other = _layer(dtype, 1)
    compile_step.cache_clear()
    for name, distance in _distances(truth, other).items():
        assert np.quantile(distance, 0.99) < tolerance, name
