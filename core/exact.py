"""Constants of the mathematics, rounded from decimal arithmetic: the same on every processor.

numpy and BLAS choose their loops by the processor, and a C library its functions; the last bit of
a constant would be of that choice, and with it every bit of a result. Decimals choose nothing.
"""

from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

__all__ = ["cosine", "exponential", "logarithm", "power", "pseudo_inverse", "to_float64"]

_DIGITS = 40
"""A float64 has 17; the condition of what is solved here takes up to four."""
_CONTEXT = Context(prec=_DIGITS)
_PI = Decimal("3.141592653589793238462643383279502884197169399375")


def power(base: float, exponent: float) -> Decimal:
    """`base` to the `exponent`; `base` is not negative, and 0 only below a positive exponent."""
    return _CONTEXT.power(Decimal(base), Decimal(exponent))


def exponential(x: float | Decimal) -> Decimal:
    """e to the `x`."""
    return Decimal(x).exp(_CONTEXT)


def logarithm(x: float | Decimal) -> Decimal:
    """Of a positive number, to base e."""
    return Decimal(x).ln(_CONTEXT)


def cosine(half_turns: float) -> Decimal:
    """cos(pi `half_turns`) by its series, to 30 decimal places; `half_turns` within 0..1."""
    with localcontext(_CONTEXT):
        square = (_PI * Decimal(half_turns)) ** 2
        term = total = Decimal(1)
        n = 0
        while abs(term) > Decimal("1e-38"):
            n += 2
            term *= -square / (n * (n - 1))
            total += term
        return round(total, 30)


def pseudo_inverse(matrix: NDArray[np.object_]) -> Float64[np.ndarray, "columns rows"]:
    """Of a matrix of Decimals whose columns are independent, exact as far as a float64 shows.

    By Gauss and Jordan's elimination on the normal equations, which are positive definite: no rows
    need to be exchanged.
    """
    columns = matrix.shape[1]
    with localcontext(_CONTEXT):
        system = np.hstack([matrix.T @ matrix, matrix.T])
        for k in range(columns):
            system[k] = system[k] / system[k, k]
            others = np.arange(columns) != k
            system[others] = system[others] - np.outer(system[others, k], system[k])
    return system[:, columns:].astype(np.float64)


def to_float64(values: Iterable[Decimal]) -> NDArray[np.float64]:
    """Each rounded once."""
    return np.array([float(value) for value in values])
