"""Kurtosis of the last 252 standardised forecast errors (specification sections 9.1 and 12.2).

One ring of raw residuals serves three readings: winsorised (for the CUSUM threshold), raw
(telemetry), and without the largest residual (for the warning: one crash is not a misfit).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from core.barrier import reshaped, settle
from core.config import PredictorConfig
from core.folds import largest, smallest, total
from core.layout import Field, State
from core.moments import Moments, measure, merge, without
from core.residuals import WINSOR, read_baseline, standardise

__all__ = ["WARNING_LEVEL", "WARNING_TICKS", "WINDOW", "Tails", "fields", "update"]

WINDOW = 252
_BLOCK = 21
_BLOCKS = WINDOW // _BLOCK
WARNING_LEVEL = 20.0
WARNING_TICKS = 5.0
NORMAL = 3.0
_MEASURES = 10
"""Of a block: four moments raw, four winsorised, the largest and the smallest residual."""
_RESIDUAL_BOUND = 64.0
"""Its fourth power, the largest term of a sum, leaves float32 four digits for the others."""
_ERROR_BOUND = 1e8
"""Under the literal threshold the ring holds errors in their own unit; this keeps the fourth power
within float32."""
_ROUNDING = 64.0
"""Of the window's fourth moment, in units of its dtype's precision."""


class Tails(NamedTuple):
    """How heavy the tails of the residuals are. Each [1, lanes].

    Attributes:
        kurtosis: sets h_t: of the residuals winsorised at 4; 3 until the window is full. Under
            `cusum_threshold="literal"` of the errors themselves, neither standardised nor bounded.
        raw_kurtosis: of the residuals (literal: errors) as they are; telemetry.
        warning: KurtosisOutlierWarning holds after this tick.
    """

    kurtosis: Float[Array, "1 lanes"]
    raw_kurtosis: Float[Array, "1 lanes"]
    warning: Bool[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The ring with its position and fill, its blocks' moments, the run of high kurtosis."""
    del config
    return (
        Field("kurtosis.ring", "global", WINDOW, 0.0),
        Field("kurtosis.blocks", "global", _BLOCKS * _MEASURES, 0.0),
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
    """Put the residual of `error` into the window where `scored`, and measure the window.

    Under `cusum_threshold="literal"` it is the error that enters (specification section 9.1).
    """
    literal = config.cusum_threshold == "literal"
    if literal:
        z, enters = jnp.clip(error, -_ERROR_BOUND, _ERROR_BOUND), scored
    else:
        z, known = standardise(read_baseline(state), error)
        z, enters = jnp.clip(z, -_RESIDUAL_BOUND, _RESIDUAL_BOUND), scored & known
    z, enters = settle((z, enters))
    new = settle(_enter(state, z, enters))
    position = state["kurtosis.position"] + 1.0
    position = jnp.where(position >= WINDOW, 0.0, position)
    filled = jnp.minimum(state["kurtosis.filled"] + 1.0, float(WINDOW))
    new["kurtosis.position"] = jnp.where(enters, position, state["kurtosis.position"])
    new["kurtosis.filled"] = filled = jnp.where(enters, filled, state["kurtosis.filled"])
    full = filled >= WINDOW

    blocks = new["kurtosis.blocks"].reshape(_BLOCKS, _MEASURES, -1)
    raw = merge(Moments(*(blocks[:, i] for i in range(4))), size=_BLOCK)
    winsorised = merge(Moments(*(blocks[:, i] for i in range(4, 8))), size=_BLOCK)
    chosen = raw if literal else winsorised
    # Residuals have a unit of their own, errors do not; but the variance is squared.
    flat = float(np.sqrt(np.finfo(z.dtype).tiny) if literal else np.finfo(z.dtype).eps)
    top = largest(blocks[:, 8])
    bottom = smallest(blocks[:, 9])
    farthest = jnp.where(top - raw.mean > raw.mean - bottom, top, bottom)
    bulk = without(raw, farthest, size=WINDOW)
    # Beside a residual that is far larger, what the others leave may be rounding alone.
    known = bulk.fourth > _ROUNDING * np.finfo(z.dtype).eps * raw.fourth
    high = full & known & (_kurtosis(bulk, size=WINDOW - 1, flat=flat) > WARNING_LEVEL)
    run = jnp.where(high, jnp.minimum(state["kurtosis.high_ticks"] + 1.0, WARNING_TICKS + 1.0), 0.0)
    new["kurtosis.high_ticks"] = run = jnp.where(scored, run, state["kurtosis.high_ticks"])
    return new, Tails(
        kurtosis=jnp.where(full, _kurtosis(chosen, size=WINDOW, flat=flat), NORMAL),
        raw_kurtosis=jnp.where(full, _kurtosis(raw, size=WINDOW, flat=flat), NORMAL),
        warning=run > WARNING_TICKS,
    )


def _enter(
    state: State, z: Float[Array, "1 lanes"], enters: Bool[Array, "1 lanes"]
) -> dict[str, Float[Array, "rows lanes"]]:
    """Write `z` at each lane's position, and measure the block it lies in."""
    position = state["kurtosis.position"]
    index = jnp.floor((position + 0.5) * (1.0 / _BLOCK))
    here = jnp.arange(_BLOCKS, dtype=z.dtype).reshape(-1, 1, 1) == index
    ring = state["kurtosis.ring"].reshape(_BLOCKS, _BLOCK, -1)
    # A sum with one term that is not zero: selects by lane without a gather.
    block = total(jnp.where(here, ring, 0.0))[0]
    slot = jnp.arange(_BLOCK, dtype=z.dtype).reshape(-1, 1) == position - index * _BLOCK
    block = settle(jnp.where(slot & enters, z, block))
    measured = jnp.concatenate(
        [
            *measure(block),
            *measure(jnp.clip(block, -WINSOR, WINSOR)),
            largest(block),
            smallest(block),
        ]
    )
    blocks = jnp.where(
        here, settle(measured), state["kurtosis.blocks"].reshape(_BLOCKS, _MEASURES, -1)
    )
    rows = jnp.arange(WINDOW, dtype=z.dtype).reshape(-1, 1)
    return {
        "kurtosis.ring": jnp.where((rows == position) & enters, z, state["kurtosis.ring"]),
        "kurtosis.blocks": reshaped(blocks, *state["kurtosis.blocks"].shape),
    }


def _kurtosis(moments: Moments, *, size: int, flat: float) -> Float[Array, "1 lanes"]:
    """Of `size` rows; 3 where they are all equal: a variance of at most `flat`."""
    variance = moments.second / size
    spread = variance > flat
    ratio = moments.fourth / size / jnp.square(jnp.where(spread, variance, 1.0))
    return jnp.where(spread, ratio, NORMAL)
