"""Logarithms against the C library's long double ones."""

import jax
import numpy as np
import pytest
from jaxtyping import Float64
from numpy import ndarray

from core import PredictorConfig
from core.compiled import compile_step
from core.logarithm import log, log1p

RNG = np.random.default_rng(8)


def ulps(got: Float64[ndarray, " n"], exact: np.ndarray) -> float:
    """Largest error in units of the last place of the exact value."""
    return float(np.max(np.abs(got - exact) / np.spacing(np.abs(exact.astype(np.float64)))))


@pytest.mark.parametrize(
    "x",
    [
        np.exp(RNG.uniform(-708.0, 709.0, 200_000)),
        RNG.uniform(0.5, 2.0, 200_000),
        1.0 + 1e-8 * RNG.standard_normal(100_000),
        2.0 ** np.arange(-1022.0, 1024.0),
    ],
    ids=["all", "near 1", "very near 1", "powers of two"],
)
def test_log_is_within_an_ulp(x: Float64[ndarray, " n"]) -> None:
    got = np.asarray(jax.jit(log)(x))
    assert ulps(got[x != 1.0], np.log(x[x != 1.0].astype(np.longdouble))) < 1.0
    assert np.all(got[x == 1.0] == 0.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_has_no_logarithm(dtype: str) -> None:
    x = np.array([0.0, -0.0, np.inf, -1.0, -np.inf, np.nan], dtype)
    expected = [-np.inf, -np.inf, np.inf, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(jax.jit(log)(x), expected)


@pytest.mark.parametrize(
    "x",
    [
        RNG.uniform(-0.999, 5.0, 200_000),
        10.0 ** RNG.uniform(-300.0, 300.0, 200_000),
        -(10.0 ** RNG.uniform(-300.0, -0.01, 200_000)),
    ],
    ids=["around 0", "positive", "negative"],
)
def test_log1p_is_within_two_ulps(x: Float64[ndarray, " n"]) -> None:
    assert ulps(np.asarray(jax.jit(log1p)(x)), np.log1p(x.astype(np.longdouble))) < 2.0


def test_float32_takes_the_backends_own() -> None:
    x = RNG.uniform(0.1, 10.0, 1000).astype(np.float32)
    np.testing.assert_allclose(jax.jit(log)(x), np.log(x), rtol=3e-7, atol=1e-7)
    np.testing.assert_allclose(jax.jit(log1p)(x), np.log1p(x), rtol=3e-7)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="machine code of a CPU")
def test_the_step_calls_no_logarithm_of_the_c_library() -> None:
    assert " log(" not in compile_step(PredictorConfig())._executable.as_text()
