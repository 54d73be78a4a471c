"""No look-ahead: nothing that comes after a tick changes a bit of what was said at it."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import Input, PredictorConfig, TileStep, compile_step
from tests.core.ticks import drive, packed, random_walks

TICKS = 160


@functools.cache
def compiled(dtype: str) -> TileStep:
    return compile_step(PredictorConfig(), dtype)


@functools.cache
def past_and_outputs(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.stack([packed(p) for p in random_walks(TICKS, seed=77)])
    return inputs, drive(compiled(dtype), inputs)[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=15, derandomize=True)
@given(
    cut=st.integers(1, TICKS - 1),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["permuted", "garbage", "missing", "later"]),
)
def test_a_changed_future_leaves_every_past_output_as_it_was(
    dtype: str, cut: int, seed: int, kind: str
) -> None:
    inputs, outputs = past_and_outputs(dtype)
    rng = np.random.default_rng(seed)
    future = inputs[cut:].copy()
    if kind == "permuted":
        future = rng.permutation(future)
    elif kind == "garbage":
        future[:, [Input.PRICE, Input.TARGET]] = rng.standard_cauchy(future[:, 1:3].shape) * 1e6
    elif kind == "missing":
        future[:, [Input.PRICE, Input.TARGET]] = np.nan
    else:
        future[:, [Input.DT_S, Input.AGE_RATIO]] = 100.0
    _, seen = drive(compiled(dtype), np.concatenate([inputs[:cut], future]))
    assert seen[:cut].tobytes() == outputs[:cut].tobytes()


def test_the_target_of_a_tick_does_not_enter_the_forecast_it_is_compared_with() -> None:
    """Scoring moves what is learned, so the next forecast; never the one being scored."""
    inputs, outputs = past_and_outputs("float64")
    other = inputs.copy()
    other[100, Input.TARGET] += 0.7
    _, seen = drive(compiled("float64"), other)
    assert seen[:100].tobytes() == outputs[:100].tobytes()
    assert seen[100:].tobytes() != outputs[100:].tobytes()
