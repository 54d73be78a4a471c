"""The front end: which ticks are accepted, and increments in units of their own scale.

Works in float64 whatever the state's dtype: it touches one row at a time. The invariant: a
rejected tick changes nothing here but the count and the price of the rejected.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.increment_scale import floored_scale, is_misled, is_settled, move_scale
from core.layout import Field, State
from core.split import as_kept, join, split

__all__ = ["GUARD_FIELDS", "Increments", "fields", "update"]

OUTLIER_SCALES = 20.0
REANCHOR_CONSISTENT = 3.0
REANCHOR_ANYWAY = 16.0
"""Rejections in a row after which the stream is believed even if they do not agree: a volatility
that has grown a thousandfold never yields two prices within the old scale's bound."""
_LARGEST_PRICE = 1e30
_MOST_TICKS = 2.0**20

GUARD_FIELDS = (
    "increments.rejected_hi",
    "increments.rejected_lo",
    "increments.rejections",
    "increments.consistent",
)
"""What a rejected tick may change."""


class Increments(NamedTuple):
    """What the front end makes of a tick. Each [1, lanes].

    Attributes:
        accepted: the tick enters the state.
        first: it is the asset's first.
        reanchored: accepted after a gap; the gap is no increment.
        rescaled: the scale was of a bad price among the asset's first; it is learned anew.
        price: y_t as it is kept, float64.
        anchor: the price at level 0, moved along with gaps; float64.
        previous_price: y_{t-1}, float64.
        scale: s_t in units of the price, float64.
        previous_scale: s_{t-1}, which the stored forecasts are in; float64.
        error_scale: unit for judging them: s_{t-1}, or s_t if larger while s is not settled (the
            scale of one small increment would make the next a thousand); float64.
        scaled: some increment before this one was not zero, so that there is a unit.
        smallest_move: smallest non-zero |y_t - y_{t-1}| so far, 0 before one; float64.
        increment: r_t = (y_t - y_{t-1}) / s_t.
        level: y_t minus the anchor, units of the price.
        moved: the price changed.
    """

    accepted: Bool[Array, "1 lanes"]
    first: Bool[Array, "1 lanes"]
    reanchored: Bool[Array, "1 lanes"]
    rescaled: Bool[Array, "1 lanes"]
    price: Float[Array, "1 lanes"]
    anchor: Float[Array, "1 lanes"]
    previous_price: Float[Array, "1 lanes"]
    scale: Float[Array, "1 lanes"]
    previous_scale: Float[Array, "1 lanes"]
    error_scale: Float[Array, "1 lanes"]
    scaled: Bool[Array, "1 lanes"]
    smallest_move: Float[Array, "1 lanes"]
    increment: Float[Array, "1 lanes"]
    level: Float[Array, "1 lanes"]
    moved: Bool[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The last price and level anchor as pairs, the scale, and what the outlier rule remembers."""
    del config
    names = (
        "price_hi price_lo anchor_hi anchor_lo ticks scale_rms scale_ticks moves smallest_move "
        "rejected_hi rejected_lo rejections consistent"
    )
    return tuple(Field(f"increments.{name}", "global", 1, 0.0) for name in names.split())


def update(
    config: PredictorConfig,
    state: State,
    price: Float[Array, "1 lanes"],
    *,
    spread: Float[Array, "1 lanes"] | float = math.inf,
) -> tuple[dict[str, Float[Array, "rows lanes"]], Increments]:
    """Judge the price; if it is accepted, difference it and move the scale.

    Source: predictor.md, sections 1 and 6.

    Args:
        config: hyperparameters.
        state: before the tick.
        price: y_t, float64.
        spread: standard deviation of the window's levels before the tick, units of the price;
            infinite where it tells nothing.
    """
    del config
    dtype = state["increments.ticks"].dtype
    old = {name: state[f"increments.{name}"].astype(jnp.float64) for name in _SINGLES}
    last = join(state["increments.price_hi"], state["increments.price_lo"])
    first = old["ticks"] == 0.0
    bound = settle(floored_scale(old["scale_rms"], old["smallest_move"], last))
    settled = is_settled(old)

    finite = jnp.abs(price) <= _LARGEST_PRICE
    price = as_kept(price, dtype)
    outlier = settled & (jnp.abs(price - last) > OUTLIER_SCALES * bound)
    guard = settle(_count_rejections(state, old, price, finite=finite, near=OUTLIER_SCALES * bound))
    lost = guard["rejections"] >= REANCHOR_ANYWAY
    reanchored = finite & outlier & ~first & (lost | (guard["consistent"] >= REANCHOR_CONSISTENT))
    accepted = finite & (first | ~outlier | reanchored)

    accepted, reanchored = settle((accepted, reanchored))
    change = settle(jnp.where(first | reanchored, 0.0, price - last))
    misled = is_misled(old, spread)
    forget = reanchored & lost
    scale = settle(move_scale(old, change, bound=bound, misled=misled, first=first, forget=forget))
    anchor = join(state["increments.anchor_hi"], state["increments.anchor_lo"])
    anchor = jnp.where(first, price, jnp.where(reanchored, anchor + (price - last), anchor))
    anchor = as_kept(anchor, dtype)
    floored = floored_scale(scale["scale_rms"], scale["smallest_move"], price)

    kept = scale | {"ticks": jnp.minimum(old["ticks"] + 1.0, _MOST_TICKS)}
    new = {f"increments.{name}": value.astype(dtype) for name, value in kept.items()}
    new |= _pair("price", price, dtype) | _pair("anchor", anchor, dtype)
    new |= _pair("rejected", jnp.where(finite, price, 0.0), dtype)
    for name, count in guard.items():
        new[f"increments.{name}"] = jnp.where(accepted, 0.0, count).astype(dtype)
    return new, Increments(
        accepted=accepted,
        first=first,
        reanchored=reanchored,
        rescaled=misled,
        price=price,
        anchor=anchor,
        previous_price=last,
        scale=floored,
        previous_scale=bound,
        error_scale=jnp.where(settled, bound, jnp.maximum(bound, floored)),
        scaled=old["moves"] > 0.0,
        smallest_move=scale["smallest_move"],
        increment=(change / floored).astype(dtype),
        level=(price - anchor).astype(dtype),
        moved=change != 0.0,
    )


_SINGLES = (
    "ticks",
    "scale_rms",
    "scale_ticks",
    "moves",
    "smallest_move",
    "rejections",
    "consistent",
)


def _pair(name: str, value: Float[Array, "1 lanes"], dtype: jnp.dtype) -> dict[str, Array]:
    leading, remainder = split(value, dtype)
    return {f"increments.{name}_hi": leading, f"increments.{name}_lo": remainder}


def _count_rejections(
    state: State,
    old: dict[str, Float[Array, "1 lanes"]],
    price: Float[Array, "1 lanes"],
    *,
    finite: Bool[Array, "1 lanes"],
    near: Float[Array, "1 lanes"],
) -> dict[str, Float[Array, "1 lanes"]]:
    """The counts as they are if this tick is refused. A non-finite price agrees with nothing."""
    rejected = join(state["increments.rejected_hi"], state["increments.rejected_lo"])
    agrees = (old["consistent"] > 0.0) & (jnp.abs(price - rejected) <= near)
    consistent = jnp.where(agrees, old["consistent"] + 1.0, 1.0)
    return {
        "consistent": jnp.where(finite, consistent, 0.0),
        "rejections": old["rejections"] + jnp.where(finite, 1.0, 0.0),
    }
