"""Prices kept to more than the state's precision, as an unevaluated sum of two numbers.

A float32 price of 5000 resolves half a thousandth; its increments would be noise. The pair holds
about 48 bits; in float64 the second part is zero.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, DTypeLike, Float

__all__ = ["as_kept", "join", "split"]


def split(
    value: Float[Array, "1 lanes"], dtype: DTypeLike
) -> tuple[Float[Array, "1 lanes"], Float[Array, "1 lanes"]]:
    """Leading part and remainder of a float64, both in `dtype`."""
    if jnp.dtype(dtype) == jnp.float64:
        return value, jnp.zeros_like(value)
    leading = _rounded(value)
    return leading.astype(dtype), _rounded(value - leading).astype(dtype)


def join(
    leading: Float[Array, "1 lanes"], remainder: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """The float64 that `split` took apart, as far as a pair holds it."""
    return leading.astype(jnp.float64) + remainder.astype(jnp.float64)


def as_kept(value: Float[Array, "1 lanes"], dtype: DTypeLike) -> Float[Array, "1 lanes"]:
    """What is left of a float64 once it was kept: equal to what was kept of an equal one.

    Few decimal prices have 48 bits: a price that comes again would differ from the one kept.
    """
    return value if jnp.dtype(dtype) == jnp.float64 else join(*split(value, dtype))


def _rounded(value: Float[Array, "1 lanes"]) -> Float[Array, "1 lanes"]:
    """To float32; a pair of conversions may be elided by XLA (excess precision), this may not."""
    return lax.reduce_precision(value, exponent_bits=8, mantissa_bits=23)
