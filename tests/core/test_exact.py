"""Constants against the C library, LAPACK, and themselves on an older processor."""

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pytest

from core.exact import cosine, exponential, logarithm, power, pseudo_inverse, to_float64

_PROGRAMS = """
import hashlib
from core import PredictorConfig
from core.programs import trace_step, trace_training
made = [trace(PredictorConfig(), "float64", 1) for trace in (trace_step, trace_training)]
print(*(hashlib.sha256(one.lower().as_text().encode()).hexdigest() for one in made))
"""


def test_functions_are_the_c_librarys_to_its_last_bit() -> None:
    rng = np.random.default_rng(1)
    for x, y in zip(rng.uniform(0.01, 20.0, 200), rng.uniform(-3.0, 3.0, 200), strict=True):
        pairs = [
            (power(x, y), math.pow(x, y)),
            (exponential(y), math.exp(y)),
            (logarithm(x), math.log(x)),
            (cosine(x / 20.0), math.cos(math.pi * (x / 20.0))),
        ]
        for ours, theirs in pairs:
            # The angle of the last one is rounded before its cosine is taken.
            assert float(ours) == pytest.approx(theirs, rel=2.0**-52, abs=4e-16)


def test_a_pseudo_inverse_is_exact_where_its_condition_is_bad() -> None:
    """Hilbert's matrix: its inverse is of whole numbers, and LAPACK's is off by 1e-10."""
    hilbert = np.array([[Decimal(1) / (i + j + 1) for j in range(4)] for i in range(4)])
    known = [
        [16, -120, 240, -140],
        [-120, 1200, -2700, 1680],
        [240, -2700, 6480, -4200],
        [-140, 1680, -4200, 2800],
    ]
    np.testing.assert_array_equal(pseudo_inverse(hilbert), known)


def test_a_pseudo_inverse_is_lapacks() -> None:
    matrix = np.random.default_rng(2).standard_normal((12, 5))
    decimals = np.array([[Decimal(x) for x in row] for row in matrix])
    np.testing.assert_allclose(pseudo_inverse(decimals), np.linalg.pinv(matrix), atol=1e-14)


def test_what_is_converted_is_rounded_to_nearest() -> None:
    assert to_float64([Decimal("0.1"), Decimal(1) / 3]).tolist() == [0.1, 1.0 / 3.0]


def test_the_programs_are_the_same_where_the_processor_is_older() -> None:
    """Every library that chooses by the processor is told that it has no wide registers."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    older = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(found),
        "OPENBLAS_CORETYPE": "Sandybridge",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA",
    }
    assert _programs({}) == _programs(older)


def _programs(environment: Mapping[str, str]) -> str:
    inherited = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAMS],
        check=True,
        capture_output=True,
        text=True,
        env={**inherited, **environment},
    )
    return done.stdout
