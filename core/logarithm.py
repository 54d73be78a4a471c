"""Natural logarithms of float64 without the C library.

XLA's CPU backend calls `log` of the C library for each number: slow, and its last bit differs from
one library to the next. In float32 the backend has a series of its own for `log`, which is taken.
"""

from typing import Final

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from core.barrier import settle

__all__ = ["log", "log1p"]

_MANTISSA_BITS: Final = 52
_SQRT_HALF: Final = np.sqrt(0.5).view(np.int64)
_SMALLEST: Final = float(np.finfo(np.float64).tiny)
_SERIES: Final = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
"""Of (log(1 + f) - 2 s) / s in s², s = f / (2 + f), |s| <= 0.1716: minimax, to 2^-58."""
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""ln 2; the first part has so few bits that its product with an exponent is exact."""


def log(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """ln x to within an ulp; -inf at 0 and where only subnormal numbers are, NaN below.

    Source: Ng, `e_log.c` of FDLIBM (Sun Microsystems 1993), its constants and its reduction.
    """
    if x.dtype != jnp.float64:
        return jnp.log(x)
    bits = lax.bitcast_convert_type(x, jnp.int64)
    exponent = (bits - _SQRT_HALF) >> _MANTISSA_BITS
    mantissa = lax.bitcast_convert_type(bits - (exponent << _MANTISSA_BITS), jnp.float64)
    power = exponent.astype(jnp.int32).astype(jnp.float64)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    square = s * s
    series = jnp.full_like(square, _SERIES[-1])
    for coefficient in _SERIES[-2::-1]:
        series = coefficient + square * series
    half = 0.5 * f * f
    small = half - (s * (half + square * series) + power * _LN2_LOW)
    value = power * _LN2_HIGH - (small - f)
    value = jnp.where(x < jnp.inf, value, x)
    value = jnp.where(x < _SMALLEST, -jnp.inf, value)
    # Stored, or every reader computes it: to the compiler no step of it is dear.
    return settle(jnp.where(x < 0.0, jnp.nan, value))


def log1p(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """ln(1 + x) to within two ulps, for -1 < x < inf.

    Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), section 1.14.1: what
    rounding 1 + x has lost is given back by the slope.

    In float32, too: the last bit of the backend's own depends on how many lanes there are.
    """
    if x.dtype != jnp.float64:
        return log1p(x.astype(jnp.float64)).astype(x.dtype)
    # A rounding that stays: (1 + x) - 1 would be taken for x.
    whole = lax.reduce_precision(1.0 + x, exponent_bits=11, mantissa_bits=52)
    return log(whole) + (x - (whole - 1.0)) / whole
