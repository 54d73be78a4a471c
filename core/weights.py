"""Reported weights: the latent ones under masks and overrides.

Priority, highest first: outlier or stale (frozen) > emergency > regime reset > collapse of kernel B
> masks > normal.
At a regime reset the latent weights are uniform, and so are the reported ones of that tick.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.flags import AVAILABLE_KERNELS, Kernel
from core.folds import total
from core.packed import Input

__all__ = ["kernel_bits", "kernel_mask", "reported_weights"]

_MASK_ROWS = slice(Input.MASK_A, Input.MASK_D + 1)


def kernel_mask(inputs: Float[Array, "inputs lanes"]) -> Bool[Array, "4 lanes"]:
    """Kernels that are allowed by the decision and built here, rows A to D."""
    built = jnp.array([[kernel in AVAILABLE_KERNELS] for kernel in Kernel])
    return built & (inputs[_MASK_ROWS] > 0.0)


def kernel_bits(mask: Bool[Array, "4 lanes"]) -> Float[Array, "1 lanes"]:
    """`Kernel` bits of a mask."""
    bits = jnp.array([[float(kernel)] for kernel in Kernel])
    return total(jnp.where(mask, bits, 0.0))


def reported_weights(
    latent: Float[Array, "4 lanes"],
    *,
    credit: Float[Array, "4 lanes"],
    mask: Bool[Array, "4 lanes"],
    last: Float[Array, "4 lanes"],
    frozen: Bool[Array, "1 lanes"],
    emergency: Bool[Array, "1 lanes"],
    collapsed: Bool[Array, "1 lanes"],
) -> Float[Array, "4 lanes"]:
    """The weights a result carries, and its forecast is made with.

    Args:
        latent: weights that learn.
        credit: of the gate. A kernel's vote is its latent weight times this: one that the
            gate has silenced forecasts persistence, and a vote for it would only shrink those
            of the others. Without any credit the latent weights are reported.
        mask: kernels that run.
        last: reported weights of the previous result; kept where `frozen`.
        frozen: inference is degraded.
        emergency: all weight to kernel D, where D runs (specification section 11.2).
        collapsed: none to kernel B, unless it runs alone (specification section 13.2).
    """
    only_d = jnp.array([[0.0], [0.0], [0.0], [1.0]], dtype=latent.dtype)
    others = mask[0:1] | mask[2:3] | mask[3:4]
    barred = jnp.array([[False], [True], [False], [False]]) & collapsed & others
    latent = jnp.where(barred, 0.0, latent)
    votes = latent * credit
    votes = jnp.where(total(jnp.where(mask, votes, 0.0)) > 0.0, votes, latent)
    wanted = jnp.where(emergency & mask[3:4], only_d, votes)
    wanted = jnp.where(frozen, last, wanted)
    masked = jnp.where(mask, wanted, 0.0)
    everything = total(masked)
    # No weight on any running kernel: uniform over those, or over all when none runs (their
    # forecasts are then zero, which is persistence).
    running = jnp.where(mask & ~barred, 1.0, 0.0).astype(latent.dtype)
    count = total(running)
    even = jnp.where(count > 0.0, running / jnp.maximum(count, 1.0), 0.25)
    voted = everything > 0.0
    shared = jnp.where(voted, masked / jnp.where(voted, everything, 1.0), even)
    # Dividing by a total that is 1 up to rounding would let frozen weights creep.
    kept = frozen & (total(jnp.where(mask, 0.0, last)) == 0.0)
    return jnp.where(kept, last, shared)
