"""Operating mode and flag bits of an accepted tick (specification section 11)."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, DTypeLike, Float

from core.flags import Flag, Mode

__all__ = ["flag_bits", "operating_mode"]

ROBUST_KURTOSIS = 15.0
ROBUST_VARIANCE_RATIO = 9.0
"""Fast over slow volatility above 3."""


def operating_mode(
    *,
    emergency: Bool[Array, "1 lanes"],
    in_grace: Bool[Array, "1 lanes"],
    degraded: Bool[Array, "1 lanes"],
    kurtosis: Float[Array, "1 lanes"],
    variance_ratio: Float[Array, "1 lanes"],
) -> Float[Array, "1 lanes"]:
    """`Mode`: emergency, else robust while anything is unsettled, else standard."""
    robust = in_grace | degraded
    robust = robust | (kurtosis > ROBUST_KURTOSIS) | (variance_ratio > ROBUST_VARIANCE_RATIO)
    mode = jnp.where(robust, float(Mode.ROBUST), float(Mode.STANDARD))
    return jnp.where(emergency, float(Mode.EMERGENCY), mode)


def flag_bits(
    flags: dict[Flag, Bool[Array, "1 lanes"]], dtype: DTypeLike
) -> Float[Array, "1 lanes"]:
    """The sum of the bits that hold. Below 2^13, so exact in float32."""
    total = None
    for flag, holds in flags.items():
        bit = jnp.where(holds, float(flag), 0.0).astype(dtype)
        total = bit if total is None else total + bit
    assert total is not None
    return total
