"""Sums and extremes in a written order."""

import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from core import PredictorConfig
from core.compiled import compile_step, compile_trainer
from core.folds import largest, smallest, total

LENGTHS = (1, 2, 3, 21, 32, 33, 37, 64, 128, 252)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_total_is_the_exact_sum_up_to_rounding(length: int, axis: int) -> None:
    values = np.random.default_rng(length).standard_normal((length, length, 8))
    exact = values.astype(np.longdouble).sum(axis, keepdims=True)
    size = np.abs(values).sum(axis, keepdims=True)
    got = np.asarray(jax.jit(total, static_argnums=1)(values, axis))
    assert got.shape == exact.shape
    assert np.all(np.abs(got - exact) <= length * np.finfo(np.float64).eps * size)


@pytest.mark.parametrize(("fold", "oracle"), [(largest, np.max), (smallest, np.min)])
@pytest.mark.parametrize("length", LENGTHS)
def test_extremes(fold: Callable[..., Any], oracle: Callable[..., Any], length: int) -> None:
    values = np.random.default_rng(length).standard_normal((3, length, 8)).astype(np.float32)
    values[1, length // 2, 5] = np.nan
    got = jax.jit(fold, static_argnums=1)(values, 1)
    np.testing.assert_array_equal(got, oracle(values, axis=1, keepdims=True))
    assert np.isnan(got[1, 0, 5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_lane_is_summed_like_its_neighbours(dtype: str) -> None:
    column = np.random.default_rng(0).standard_normal((128, 1)).astype(dtype)
    sums = np.asarray(jax.jit(total)(np.repeat(column, 64, axis=1)))
    assert len(set(sums[0].tolist())) == 1


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="what a reduction costs on a CPU")
def test_the_step_leaves_no_order_to_the_compiler() -> None:
    for program in (compile_step(PredictorConfig()), compile_trainer(PredictorConfig())):
        text = program._executable.as_text()
        assert " fusion(" in text
        assert not re.search(r" (reduce|reduce-window|dot)\(", text)
