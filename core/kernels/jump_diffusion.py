"""Kernel C: an Ornstein-Uhlenbeck process with compound Poisson jumps and a learned drift.

Time is counted in ticks. Jumps are told from diffusion by a truncated variance; mean reversion
is estimated without them; the forecast is the exact transition plus the jumps' mean.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.increments import Increments
from core.kernels.drift import DRIFT_FEATURES, correction, learn
from core.layout import Field, State
from core.logarithm import log

__all__ = ["fields", "update"]

JUMP_SCALES = 5.0
TRUNCATION_SCALES = 4.0
"""Beyond which an increment is left out of the variance, short of being a jump: of jumps of six
deviations one in six lands below five, and would raise the variance by 13%."""
SETTLED_TICKS = 32.0
PLAIN_SHARE = 0.05
"""Least truncated variance per plain variance: where 95% of increments are zero, the rest would
all look like jumps."""
FORECAST_BOUND = 5.0
_BEYOND_TIES = 1.0 + 1e-6
"""On a price grid a move of k smallest ones is k of the floor's deviations exactly where the share
of moves is 1, 1/4, 1/9: rounding must not decide, or a feed in cents differs from that in dollars.
"""
_VARIANCE_GAIN = 1.0 / 100.0
_PLAIN_GAIN = 1.0 / 360.0
_JUMP_GAIN = 1.0 / 1000.0
_FORGETTING = 0.5 ** (1.0 / 1000.0)
_SLOPE_RIDGE = 10.0
_LEAST_DECAY = 1e-3
"""Least share of the distance to the mean that is left after one tick, for the rate's logarithm."""


class _Variance(NamedTuple):
    truncated: Float[Array, "1 lanes"]
    effective: Float[Array, "1 lanes"]
    jump: Bool[Array, "1 lanes"]
    new: dict[str, Float[Array, "1 lanes"]]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Variances, jump rate and size, the weighted regression of increment on level, the drift."""
    del config
    singles = (
        "ticks variance plain move_share jump_rate jump_sum weight mean_level mean_increment "
        "level_squares level_increment level predicted"
    )
    return (
        *(Field(f"jump.{name}", "C", 1, 0.0) for name in singles.split()),
        Field("jump.drift", "C", DRIFT_FEATURES, 0.0),
        Field("jump.drift_features", "C", DRIFT_FEATURES, 0.0),
    )


def update(
    config: PredictorConfig, state: State, tick: Increments
) -> tuple[dict[str, Float[Array, "rows lanes"]], Float[Array, "1 lanes"]]:
    """Learn from r_t, then forecast r_{t+1}.

    Returns:
        The new fields, and the forecast in scale units. Source: predictor.md, section 3, C.
    """
    del config
    old = {name.removeprefix("jump."): value for name, value in state.items() if "jump." in name}
    dtype = old["ticks"].dtype
    scale = tick.scale.astype(dtype)
    variance = settle(_update_variance(old, tick, scale))
    regression = settle(_update_regression(old, tick, scale, variance))
    slope = regression["level_increment"] / (regression["level_squares"] + _SLOPE_RIDGE)
    slope = jnp.clip(slope, -1.0, 0.0)

    error = jnp.where(variance.jump, 0.0, tick.increment - old["predicted"])
    drift = learn(old["drift"], old["drift_features"], error)
    distance = (tick.level - regression["mean_level"]) / scale
    spread = jnp.sqrt(regression["level_squares"] / jnp.maximum(regression["weight"], 1e-6))
    rate = -log(jnp.maximum(1.0 + slope, _LEAST_DECAY))
    extra, features = correction(drift, distance, spread=spread, reversion_rate=rate)

    # (1 - e^-rate)(mean - level) is -slope times the distance: the transition is exact.
    continuous = regression["mean_increment"] + slope * distance + extra
    jumps = variance.new["jump_rate"] * _mean_size(variance.new)
    new = variance.new | regression
    new |= {"level": tick.level, "predicted": continuous}
    new |= {"drift": drift, "drift_features": features}
    forecast = jnp.clip(continuous + jumps, -FORECAST_BOUND, FORECAST_BOUND)
    return {f"jump.{name}": value for name, value in new.items()}, forecast


def _mean_size(rows: dict[str, Float[Array, "1 lanes"]]) -> Float[Array, "1 lanes"]:
    """Mean jump, from the EWMA of jump sizes over all ticks and the EWMA of their indicator."""
    rate = rows["jump_rate"]
    return jnp.where(rate > 1e-6, rows["jump_sum"] / jnp.maximum(rate, 1e-6), 0.0)


def _update_variance(
    old: dict[str, Float[Array, "rows lanes"]], tick: Increments, scale: Float[Array, "1 lanes"]
) -> _Variance:
    """Truncated and plain EWMA variance, and whether this increment is a jump (Mancini 2009)."""
    r = tick.increment
    ticks = jnp.minimum(old["ticks"] + 1.0, 1024.0)
    young = 1.0 / ticks
    floor = _variance_floor(old, tick, scale)
    deviation = _BEYOND_TIES * jnp.sqrt(jnp.maximum(old["variance"], floor))
    settled = old["ticks"] >= SETTLED_TICKS
    jump = settled & (jnp.abs(r) > JUMP_SCALES * deviation)
    square = jnp.square(r)
    left_out = settled & (jnp.abs(r) > TRUNCATION_SCALES * deviation)
    gain = jnp.where(left_out, 0.0, jnp.maximum(young, _VARIANCE_GAIN))
    variance = old["variance"] + gain * (square - old["variance"])
    plain = old["plain"] + jnp.maximum(young, _PLAIN_GAIN) * (square - old["plain"])
    slow = jnp.maximum(young, _JUMP_GAIN)
    new = {
        "ticks": ticks,
        "variance": variance,
        "plain": plain,
        "move_share": old["move_share"] + slow * (tick.moved - old["move_share"]),
        "jump_rate": old["jump_rate"] + slow * (jump - old["jump_rate"]),
        "jump_sum": old["jump_sum"] + slow * (jnp.where(jump, r, 0.0) - old["jump_sum"]),
    }
    return _Variance(variance, jnp.maximum(variance, _variance_floor(new, tick, scale)), jump, new)


def _variance_floor(
    rows: dict[str, Float[Array, "rows lanes"]], tick: Increments, scale: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """A share of the plain variance, and what moves of the smallest size would make."""
    smallest = tick.smallest_move.astype(scale.dtype) / scale
    return jnp.maximum(
        jnp.maximum(PLAIN_SHARE * rows["plain"], rows["move_share"] * jnp.square(smallest)), 1e-6
    )


def _update_regression(
    old: dict[str, Float[Array, "rows lanes"]],
    tick: Increments,
    scale: Float[Array, "1 lanes"],
    variance: _Variance,
) -> dict[str, Float[Array, "1 lanes"]]:
    """Forgetting weighted least squares of the increment on the level before it (West 1979).

    Deviations from running means, never raw moments: levels far from the anchor would cancel.
    Moments are in units of the current scale, so they are converted when it moves. A jump has
    weight zero.
    """
    keep = _FORGETTING
    unit = jnp.clip(tick.previous_scale / tick.scale, 1e-3, 1e3).astype(scale.dtype)
    weight = jnp.where(variance.jump | tick.first, 0.0, 1.0 / variance.effective)
    total = keep * old["weight"] + weight
    share = jnp.where(total > 0.0, weight / jnp.maximum(total, 1e-20), 0.0)
    deviation = (old["level"] - old["mean_level"]) / scale
    mean_increment = old["mean_increment"] + share * (tick.increment - old["mean_increment"])
    left = weight * (1.0 - share) * deviation
    return {
        "weight": total,
        "mean_level": old["mean_level"] + share * (old["level"] - old["mean_level"]),
        "mean_increment": mean_increment,
        "level_squares": keep * jnp.square(unit) * old["level_squares"] + left * deviation,
        "level_increment": keep * unit * old["level_increment"]
        + left * (tick.increment - old["mean_increment"]),
    }
