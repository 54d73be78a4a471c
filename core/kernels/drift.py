"""The learned part of kernel C's drift, and the scheme that integrates it over one tick.

The specification's neural ODE with a basis small enough to learn online: Gaussian bumps of the
standardised distance to the mean, fitted by normalised least mean squares.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.kernels.rls import dot

__all__ = ["DRIFT_FEATURES", "correction", "learn"]

_CENTRES = np.array([-1.5, -0.5, 0.5, 1.5])
DRIFT_FEATURES = len(_CENTRES)
_RATE = 0.005
_LEAK = 1e-4
_ERROR_BOUND = 4.0


def learn(
    drift: Float[Array, "features lanes"],
    features: Float[Array, "features lanes"],
    error: Float[Array, "1 lanes"],
) -> Float[Array, "features lanes"]:
    """One leaky normalised LMS step (Haykin, chapter 7) on the error of the last forecast."""
    clipped = jnp.clip(error, -_ERROR_BOUND, _ERROR_BOUND)
    return (1.0 - _LEAK) * drift + _RATE * clipped * features / (0.5 + dot(features, features))


def correction(
    drift: Float[Array, "features lanes"],
    distance: Float[Array, "1 lanes"],
    *,
    spread: Float[Array, "1 lanes"],
    reversion_rate: Float[Array, "1 lanes"],
) -> tuple[Float[Array, "1 lanes"], Float[Array, "features lanes"]]:
    """What the learned drift adds over one tick, and the features it was read from.

    The stiffness S = |b'| dt of the whole drift chooses the scheme: explicit Euler below 1, the
    linearly implicit step b / (1 + S) above 2, linear between.
    """
    spread = jnp.maximum(spread, 1e-3)
    u = jnp.clip(distance / spread, -4.0, 4.0)
    offset = u - jnp.asarray(_CENTRES, u.dtype)[:, None]
    features = jnp.exp(-0.5 * jnp.square(offset))
    explicit = dot(drift, features)
    slope = -reversion_rate - dot(drift, offset * features) / spread
    stiffness = jnp.abs(slope)
    implicit = explicit / (1.0 + stiffness)
    blend = jnp.clip(stiffness - 1.0, 0.0, 1.0)
    return explicit + blend * (implicit - explicit), features
