"""Prices kept to more than the state's precision, as an unevaluated sum of two numbers.

A float32 price of 5000 resolves half a thousandth; its increments would be noise. The pair holds
about 48 bits; in float64 the second part is zero.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, DTypeLike, Float

__all__ = ["join", "split"]


def split(
    value: Float[Array, "1 lanes"], dtype: DTypeLike
) -> tuple[Float[Array, "1 lanes"], Float[Array, "1 lanes"]]:
    """Leading part and remainder of a float64, both in `dtype`."""
    if jnp.dtype(dtype) == jnp.float64:
        return value, jnp.zeros_like(value)
    # A pair of conversions may be elided by XLA (excess precision); this rounding may not.
    leading = lax.reduce_precision(value, exponent_bits=8, mantissa_bits=23)
    return leading.astype(dtype), (value - leading).astype(dtype)


def join(
    leading: Float[Array, "1 lanes"], remainder: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """The float64 that `split` took apart."""
    return leading.astype(jnp.float64) + remainder.astype(jnp.float64)
