"""Regime changes by CUSUM (specification sections 9 to 11.5), with grace after each.

Three channels watch the residuals' mean in both directions and their variance. The invariant:
z carries no unit and is made from the past (`core.residuals`), so alarms do not depend on the
unit of the price.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.config import PredictorConfig
from core.layout import Field, State
from core.logarithm import log, log1p
from core.residuals import WINSOR, baseline_fields, learn, read_baseline, standardise

__all__ = ["RegimeDrift", "fields", "grace", "scale_log_likelihood_ratio", "update"]

_CHANNEL_UNIT = 1.25
"""Channels are divided by this, so that `cusum_h=5` gives the false-alarm rate it is known for
although there are three channels instead of one."""
_TAIL_DEGREES = 12.0
_SCALE_RATIO = 2.0
"""Degrees of freedom and volatility ratio that the variance channel is the likelihood ratio of."""
_SCALE_SLACK = 0.08
"""Of the variance channel; keeps its share of false alarms below the mean channels'."""
_STEPS_CAP = float(2**20)
"""Above any grace period, and exact in float32."""


class RegimeDrift(NamedTuple):
    """What CUSUM says about this tick. Each [1, lanes]; values before the reset of an alarm.

    Attributes:
        g_plus: the largest channel, the shadow one during grace; same unit as `threshold`.
        g_minus: the channel of a falling mean.
        threshold: h_t.
        distance: threshold - g_plus.
        alarm: a regime change is detected at this tick.
        in_grace: this tick was too soon after the last alarm to raise one.
    """

    g_plus: Float[Array, "1 lanes"]
    g_minus: Float[Array, "1 lanes"]
    threshold: Float[Array, "1 lanes"]
    distance: Float[Array, "1 lanes"]
    alarm: Bool[Array, "1 lanes"]
    in_grace: Bool[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The residuals' baseline, the channels, and the ticks since the last alarm."""
    literal = (Field("cusum.error_square", "global", 1, 0.0),)
    return (
        *baseline_fields(),
        # During grace the shadow; the operating channels are 0 then and need no rows.
        Field("cusum.channels", "global", 3, 0.0),
        Field("cusum.steps_since_change", "global", 1, _STEPS_CAP),
        *(literal if config.cusum_threshold == "literal" else ()),
    )


def grace(
    steps_since_change: Float[Array, "1 lanes"], *, period: int
) -> tuple[Float[Array, "1 lanes"], Bool[Array, "1 lanes"]]:
    """Advance the counter and say whether alarms are silent: the counter moves before the test.

    With a permanently true raw alarm and a period of 20 the alarms fall at t = 1, 21, 41
    (specification 10.2, 10.3 and table 3).
    """
    steps = jnp.minimum(steps_since_change + 1.0, _STEPS_CAP)
    return steps, steps < period


def scale_log_likelihood_ratio(z: Float[Array, "1 lanes"]) -> Float[Array, "1 lanes"]:
    """log p(z; volatility 2) - log p(z; volatility 1) for unit-variance Student t(12) residuals.

    The normal ratio grows as z², and a single outlier would decide; this one is bounded by
    12 ln 2 and agrees with it in the bulk.
    """
    width = _TAIL_DEGREES - 2.0
    square = jnp.square(z)
    kernel = log1p(square / width) - log1p(square / (width * _SCALE_RATIO**2))
    return 0.5 * (_TAIL_DEGREES + 1.0) * kernel - math.log(_SCALE_RATIO)


def update(
    config: PredictorConfig,
    state: State,
    error: Float[Array, "1 lanes"],
    kurtosis: Float[Array, "1 lanes"],
    scored: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], RegimeDrift]:
    """Test `error` where `scored`; elsewhere nothing moves and the last values are repeated.

    Args:
        config: threshold, slack, grace period, and which formula.
        state: fields of `fields`, and of `core.residuals`.
        error: forecast error, any one unit; the literal threshold is in that unit.
        kurtosis: of the winsorised residuals, including this tick's.
        scored: there is an error to test.
    """
    steps, in_grace = grace(state["cusum.steps_since_change"], period=config.grace_period_steps)
    started = state["cusum.channels"]
    if config.cusum_threshold == "calibrated":
        # The shadow ends with grace; operation starts from zero. In the specification's loop
        # (10.3) one G runs on through grace, and the literal rule does so too.
        started = jnp.where(steps == config.grace_period_steps, 0.0, started)
    past = read_baseline(state)
    learned = learn(past, error)
    new = {"cusum.location": learned.location, "cusum.variance": learned.variance}
    if config.cusum_threshold == "literal":
        gain = config.volatility_alpha
        square = state["cusum.error_square"]
        square = jnp.where(scored, square + gain * (jnp.square(error) - square), square)
        new["cusum.error_square"] = square
        unit = 1.0
        steps_up = _literal_increment(config, error, jnp.sqrt(square))
        threshold = config.cusum_k * jnp.sqrt(square) * _tail_factor(kurtosis, least=1.0)
    else:
        unit = _CHANNEL_UNIT
        steps_up = _calibrated_increments(config, standardise(past, error)[0])
        threshold = config.cusum_h * _tail_factor(kurtosis, least=3.0)
    channels = jnp.maximum(started + steps_up, 0.0)
    channels = jnp.where(scored, channels, state["cusum.channels"])
    drift = _report(channels / unit, threshold, in_grace=in_grace, scored=scored)
    new |= {
        "cusum.channels": jnp.where(drift.alarm, 0.0, channels),
        "cusum.steps_since_change": jnp.where(drift.alarm, 0.0, steps),
        "cusum.errors": jnp.where(drift.alarm, 0.0, learned.errors),
    }
    return {name: jnp.where(scored, rows, state[name]) for name, rows in new.items()}, drift


def _calibrated_increments(
    config: PredictorConfig, z: Float[Array, "1 lanes"]
) -> Float[Array, "3 lanes"]:
    z = jnp.clip(z, -WINSOR, WINSOR)
    return jnp.concatenate(
        [z - config.cusum_k, -z - config.cusum_k, scale_log_likelihood_ratio(z) - _SCALE_SLACK]
    )


def _literal_increment(
    config: PredictorConfig, error: Float[Array, "1 lanes"], sigma: Float[Array, "1 lanes"]
) -> Float[Array, "3 lanes"]:
    """Specification 10.3: |e|/sigma - 1 - k in the first channel; it fills no other."""
    standardised = jnp.abs(error) / jnp.where(sigma > 0.0, sigma, 1.0)
    first = standardised - 1.0 - config.cusum_k
    return jnp.concatenate([first, jnp.zeros_like(first), jnp.zeros_like(first)])


def _tail_factor(kurtosis: Float[Array, "1 lanes"], *, least: float) -> Float[Array, "1 lanes"]:
    return 1.0 + log(jnp.maximum(kurtosis, least) / 3.0)


def _report(
    channels: Float[Array, "3 lanes"],
    threshold: Float[Array, "1 lanes"],
    *,
    in_grace: Bool[Array, "1 lanes"],
    scored: Bool[Array, "1 lanes"],
) -> RegimeDrift:
    g_plus = jnp.maximum(jnp.maximum(channels[0:1], channels[1:2]), channels[2:3])
    return RegimeDrift(
        g_plus=g_plus,
        g_minus=channels[1:2],
        threshold=threshold,
        distance=threshold - g_plus,
        alarm=scored & ~in_grace & (g_plus > threshold),
        in_grace=in_grace,
    )
