"""The filter bank on sums of 4, 16, 64 … increments.

All levels share one evaluation of the filters per tick, because at most one closes a block
(`base_scale.due_levels`). The invariant: a level that is not due keeps its rows bit for bit.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import reshaped, settle
from core.folds import total
from core.holder.bank import FILTERS, Peak, locate_peak, predict, push
from core.holder.base_scale import due_levels

__all__ = ["COARSE_ORDER", "coarse_rows", "level_peak", "update_coarse"]

COARSE_ORDER = 16
_BLOCK_HALF_LIFE = 128.0
_FORGETTING = 0.5 ** (1.0 / _BLOCK_HALF_LIFE)

Rows = Mapping[str, Float[Array, "rows lanes"]]


def coarse_rows(levels: int) -> dict[str, tuple[int, float]]:
    """Rows and initial value of each field for so many coarse levels, levels outermost.

    `zero_share` and `base_level` are moved by `reading.read_base`, which needs them only when
    there are coarse levels.
    """
    return {
        "zero_share": (1, 0.0),
        "base_level": (1, 0.0),
        # Modulo the longest lag, so that it stays exact in float32.
        "coarse_ticks": (1, 0.0),
        "coarse_pending": (levels, 0.0),
        "coarse_past": (levels * COARSE_ORDER, 0.0),
        "coarse_losses": (levels * FILTERS, 0.0),
        "coarse_weight": (levels, 0.0),
        "coarse_exponent": (levels, 0.5),
        "coarse_error": (levels, 0.25),
        # Mean exponent of level i over the memory of level j, at row (j - 1) * levels + i; i < j.
        "coarse_matched": (levels * levels, 0.5),
    }


def level_peak(state: Rows, level: int) -> Peak:
    """The stored exponent of coarse level `level` (1 is the finest coarse one)."""
    return Peak(
        state["coarse_exponent"][level - 1 : level], state["coarse_error"][level - 1 : level]
    )


def _by_level(rows: Float[Array, "rows lanes"], levels: int) -> Float[Array, "levels size lanes"]:
    return rows.reshape(levels, -1, rows.shape[-1])


def _pick(
    due: Bool[Array, "levels 1 lanes"], rows: Float[Array, "rows lanes"]
) -> Float[Array, "size lanes"]:
    """The due level's rows, zeros where none is due: a sum with one term that is not zero."""
    return total(jnp.where(due, _by_level(rows, due.shape[0]), 0.0))[0]


def _put(
    due: Bool[Array, "levels 1 lanes"],
    rows: Float[Array, "rows lanes"],
    new: Float[Array, "size lanes"],
) -> Float[Array, "rows lanes"]:
    return reshaped(jnp.where(due, new, _by_level(rows, due.shape[0])), *rows.shape)


def update_coarse(
    state: Rows,
    *,
    lags: tuple[int, ...],
    increment: Float[Array, "1 lanes"],
    slow_exponent: Float[Array, "1 lanes"],
) -> dict[str, Float[Array, "rows lanes"]]:
    """Add `increment` to every level's block; score and shift the level whose block closes.

    Args:
        state: the fields of `coarse_rows`.
        lags: block length of each coarse level, in ticks.
        increment: in scale units.
        slow_exponent: the long memory's exponent at lag 1, for the matched means.
    """
    ticks = state["coarse_ticks"] + 1.0
    ticks = jnp.where(ticks >= lags[-1], 0.0, ticks)
    due = due_levels(ticks, lags)
    pending = state["coarse_pending"] + increment
    # Without these fences every row of the peak would recompute the sums it compares.
    block, past = settle((_pick(due, pending), _pick(due, state["coarse_past"])))
    losses = _FORGETTING * _pick(due, state["coarse_losses"])
    losses = losses + jnp.square(block - predict(past))
    losses, weight = settle((losses, _FORGETTING * _pick(due, state["coarse_weight"]) + 1.0))
    peak = settle(locate_peak(losses, weight, forgetting=_FORGETTING))
    exponent = _put(due, state["coarse_exponent"], peak.exponent)
    finer = jnp.concatenate([slow_exponent, exponent[:-1]])
    matched = _pick(due, state["coarse_matched"])
    return {
        "coarse_ticks": ticks,
        "coarse_pending": _put(due, pending, jnp.zeros_like(block)),
        "coarse_past": _put(due, state["coarse_past"], push(past, block)),
        "coarse_losses": _put(due, state["coarse_losses"], losses),
        "coarse_weight": _put(due, state["coarse_weight"], weight),
        "coarse_exponent": exponent,
        "coarse_error": _put(due, state["coarse_error"], peak.standard_error),
        "coarse_matched": _put(due, state["coarse_matched"], matched + (finer - matched) / weight),
    }
