"""Kurtosis of the last 252 standardised forecast errors (specification sections 9.1 and 12.2).

One ring of raw residuals serves three readings: winsorised (for the CUSUM threshold), raw
(telemetry), and without the largest residual (for the warning: one crash is not a misfit).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from core.config import PredictorConfig
from core.layout import Field, State
from core.residuals import WINSOR, read_baseline, standardise

__all__ = ["WARNING_LEVEL", "WARNING_TICKS", "WINDOW", "Tails", "fields", "update"]

WINDOW = 252
WARNING_LEVEL = 20.0
WARNING_TICKS = 5.0
NORMAL = 3.0
_RESIDUAL_BOUND = 64.0
"""Its fourth power, the largest term of a sum, leaves float32 four digits for the others."""


class Tails(NamedTuple):
    """How heavy the tails of the residuals are. Each [1, lanes].

    Attributes:
        kurtosis: of the residuals winsorised at 4; 3 until the window is full. Sets h_t.
        raw_kurtosis: of the residuals as they are; telemetry.
        warning: KurtosisOutlierWarning holds after this tick.
    """

    kurtosis: Float[Array, "1 lanes"]
    raw_kurtosis: Float[Array, "1 lanes"]
    warning: Bool[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The ring with its position, how much of it is filled, and the run of high kurtosis."""
    del config
    return (
        Field("kurtosis.ring", "global", WINDOW, 0.0),
        Field("kurtosis.position", "global", 1, 0.0),
        Field("kurtosis.filled", "global", 1, 0.0),
        Field("kurtosis.high_ticks", "global", 1, 0.0),
    )


def update(
    config: PredictorConfig,
    state: State,
    error: Float[Array, "1 lanes"],
    scored: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Tails]:
    """Put the residual of `error` into the window where `scored`, and measure the window."""
    del config
    z, known = standardise(read_baseline(state), error)
    enters = scored & known
    z = jnp.clip(z, -_RESIDUAL_BOUND, _RESIDUAL_BOUND)
    position, filled = state["kurtosis.position"], state["kurtosis.filled"]
    slot = jnp.arange(WINDOW, dtype=z.dtype)[:, None]
    ring = jnp.where((slot == position) & enters, z, state["kurtosis.ring"])
    position = jnp.where(enters, jnp.where(position + 1.0 >= WINDOW, 0.0, position + 1.0), position)
    filled = jnp.where(enters, jnp.minimum(filled + 1.0, float(WINDOW)), filled)
    full = filled >= WINDOW

    winsorised, _ = _kurtosis(jnp.clip(ring, -WINSOR, WINSOR))
    raw, without_largest = _kurtosis(ring)
    high = full & (without_largest > WARNING_LEVEL)
    run = jnp.where(high, jnp.minimum(state["kurtosis.high_ticks"] + 1.0, WARNING_TICKS + 1.0), 0.0)
    run = jnp.where(scored, run, state["kurtosis.high_ticks"])
    new = {
        "kurtosis.ring": ring,
        "kurtosis.position": position,
        "kurtosis.filled": filled,
        "kurtosis.high_ticks": run,
    }
    return new, Tails(
        kurtosis=jnp.where(full, winsorised, NORMAL),
        raw_kurtosis=jnp.where(full, raw, NORMAL),
        warning=run > WARNING_TICKS,
    )


def _kurtosis(
    window: Float[Array, "window lanes"],
) -> tuple[Float[Array, "1 lanes"], Float[Array, "1 lanes"]]:
    """Kurtosis of all rows, and of all but the one farthest from the mean; 3 for equal rows.

    Two passes: moments about zero would cancel where the mean is far from it. The sums without
    the largest row are taken about the common mean and shifted to their own.
    """
    count = float(window.shape[0])
    centred = window - jnp.sum(window, axis=0, keepdims=True) / count
    square = jnp.square(centred)
    second = jnp.sum(square, axis=0, keepdims=True)
    third = jnp.sum(square * centred, axis=0, keepdims=True)
    fourth = jnp.sum(jnp.square(square), axis=0, keepdims=True)
    top = jnp.max(centred, axis=0, keepdims=True)
    bottom = jnp.min(centred, axis=0, keepdims=True)
    far = jnp.where(top > -bottom, top, bottom)

    rest = count - 1.0
    shift = -far / rest
    m2 = jnp.maximum((second - jnp.square(far)) / rest, 0.0)
    m3 = (third - far**3) / rest
    m4 = (fourth - jnp.square(jnp.square(far))) / rest
    own2 = m2 - jnp.square(shift)
    own4 = (
        m4 - 4.0 * shift * m3 + 6.0 * jnp.square(shift) * m2 - 3.0 * jnp.square(jnp.square(shift))
    )
    return _ratio(fourth / count, second / count), _ratio(own4, own2)


def _ratio(
    fourth: Float[Array, "1 lanes"], variance: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    spread = variance > np.finfo(variance.dtype).eps
    return jnp.where(spread, fourth / jnp.square(jnp.where(spread, variance, 1.0)), NORMAL)
