"""The scale of an asset's increments: the unit of its forecasts, and of what is an outlier.

The root of an EWMA of squared increments, those clipped at 5 scales, with gain max(1/n, half-life
500). Source: predictor.md, section 1. Everything here is [1, lanes] and float64.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

__all__ = ["floored_scale", "is_misled", "is_settled", "move_scale"]

Rows = dict[str, Float[Array, "1 lanes"]]

HALF_LIFE_TICKS = 500.0
WINSOR_SCALES = 5.0
FLOOR_PER_MOVE = 0.25
"""Of the smallest price change seen. At least 1 / WINSOR_SCALES: on a feed of mostly equal prices
the clipped squares would otherwise drag the scale to zero."""
SETTLED_MOVES = 32.0
"""Price changes seen before the scale is trusted to reject or clip anything."""
MISLED_SPREADS = 64.0
"""Spreads of the window that a young asset's scale may be. A move of a bad price among the first 32
enters the scale whole, and would be forgotten only after thousands of ticks. No scale of the moves
in a window is more than two of its spreads: this one is of moves long past, and of no opening
either, which may well be twenty times as lively as what follows."""
YOUNG_TICKS = 1024.0
_MOST_COUNTED = 1024.0
"""From 721 on the gain is the half-life's."""
_TINY = 1e-30
_SCALE_ROWS = ("scale_rms", "scale_ticks", "moves", "smallest_move")


def is_settled(old: Rows) -> Bool[Array, "1 lanes"]:
    """Whether enough price changes are known to reject or clip anything."""
    return old["moves"] >= SETTLED_MOVES


def is_misled(old: Rows, spread: Float[Array, "1 lanes"] | float) -> Bool[Array, "1 lanes"]:
    """Whether the window contradicts a young asset's scale.

    Args:
        old: the rows before a tick, by their names in `increments`.
        spread: see `core.increments.update`.
    """
    young = is_settled(old) & (old["ticks"] < YOUNG_TICKS)
    return young & (old["scale_rms"] > MISLED_SPREADS * spread)


def floored_scale(
    rms: Float[Array, "1 lanes"], smallest: Float[Array, "1 lanes"], price: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """Never below a quarter of the smallest move, nor below what the price can resolve."""
    floor = jnp.maximum(FLOOR_PER_MOVE * smallest, 1e-12 * jnp.abs(price))
    return jnp.maximum(jnp.maximum(rms, floor), _TINY)


def move_scale(
    old: Rows,
    change: Float[Array, "1 lanes"],
    *,
    bound: Float[Array, "1 lanes"],
    misled: Bool[Array, "1 lanes"],
    first: Bool[Array, "1 lanes"],
    forget: Bool[Array, "1 lanes"],
) -> Rows:
    """The rows of the scale after an accepted tick.

    Args:
        old: the rows before it, by their names in `increments`.
        change: y_t - y_{t-1}; 0 for an asset's first tick and where a gap was accepted.
        bound: the floored scale before it.
        misled: the scale is learned anew from this tick on.
        first: it is the asset's first.
        forget: the scale is of a stream that is lost, and so is this tick's change.
    """
    settled = is_settled(old) & ~misled
    old = old | {name: jnp.where(misled, 0.0, old[name]) for name in _SCALE_ROWS}
    size = jnp.abs(change)
    clipped = jnp.where(settled, jnp.minimum(size, WINSOR_SCALES * bound), size)
    counts = ~first
    ticks = jnp.minimum(old["scale_ticks"] + counts, _MOST_COUNTED)
    gain = jnp.maximum(1.0 / jnp.maximum(ticks, 1.0), 1.0 - 0.5 ** (1.0 / HALF_LIFE_TICKS))
    square = jnp.square(old["scale_rms"])
    square = square + jnp.where(counts, gain, 0.0) * (jnp.square(clipped) - square)
    unseen = old["smallest_move"] == 0.0
    smallest = jnp.where(unseen, size, jnp.minimum(size, old["smallest_move"]))
    moves = jnp.minimum(old["moves"] + (size > 0.0), SETTLED_MOVES)
    return {
        "scale_rms": jnp.where(forget, 0.0, jnp.sqrt(square)),
        "scale_ticks": jnp.where(forget, 0.0, ticks),
        "moves": jnp.where(forget, 0.0, moves),
        "smallest_move": jnp.where(
            forget, 0.0, jnp.where(size > 0.0, smallest, old["smallest_move"])
        ),
    }
