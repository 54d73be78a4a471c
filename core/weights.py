"""Reported weights: the latent ones under masks and overrides.

Priority, highest first: outlier or stale (frozen) > emergency > regime reset > masks > normal.
A regime reset needs no case here: it makes the latent weights uniform.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.flags import AVAILABLE_KERNELS, Kernel
from core.packed import Input

__all__ = ["kernel_bits", "kernel_mask", "reported_weights"]

_MASK_ROWS = slice(Input.MASK_A, Input.MASK_D + 1)


def kernel_mask(inputs: Float[Array, "inputs 64"]) -> Bool[Array, "4 64"]:
    """Kernels that are allowed by the decision and built here, rows A to D."""
    built = jnp.array([[kernel in AVAILABLE_KERNELS] for kernel in Kernel])
    return built & (inputs[_MASK_ROWS] > 0.0)


def kernel_bits(mask: Bool[Array, "4 64"]) -> Float[Array, "1 64"]:
    """`Kernel` bits of a mask."""
    bits = jnp.array([[float(kernel)] for kernel in Kernel])
    return jnp.sum(jnp.where(mask, bits, 0.0), axis=0, keepdims=True)


def reported_weights(
    latent: Float[Array, "4 64"],
    *,
    mask: Bool[Array, "4 64"],
    last: Float[Array, "4 64"],
    frozen: Bool[Array, "1 64"],
    emergency: Bool[Array, "1 64"],
) -> Float[Array, "4 64"]:
    """The weights a result carries, and its forecast is made with.

    Args:
        latent: weights that learn.
        mask: kernels that run.
        last: reported weights of the previous result; kept where `frozen`.
        frozen: inference is degraded.
        emergency: all weight to kernel D, where D runs (specification section 11.2).
    """
    only_d = jnp.array([[0.0], [0.0], [0.0], [1.0]], dtype=latent.dtype)
    wanted = jnp.where(emergency & mask[3:4], only_d, latent)
    wanted = jnp.where(frozen, last, wanted)
    masked = jnp.where(mask, wanted, 0.0)
    total = masked[0:1] + masked[1:2] + masked[2:3] + masked[3:4]
    # No weight on any running kernel: uniform over those, or over all when none runs (their
    # forecasts are then zero, which is persistence).
    running = jnp.where(mask, 1.0, 0.0).astype(latent.dtype)
    count = running[0:1] + running[1:2] + running[2:3] + running[3:4]
    even = jnp.where(count > 0.0, running / jnp.maximum(count, 1.0), 0.25)
    return jnp.where(total > 0.0, masked / jnp.where(total > 0.0, total, 1.0), even)
