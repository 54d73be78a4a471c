"""Forecast errors: volatility, kurtosis of the last 252, and CUSUM with grace."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from core.config import PredictorConfig

__all__ = ["Drift", "Errors", "Volatility", "follow", "unsettled"]

WINDOW = 252


class Volatility(NamedTuple):
    fast: Array
    slow: Array
    errors: Array


def unsettled(
    config: PredictorConfig, past: Volatility, error: Array, scored: Array
) -> tuple[Volatility, Array, Array]:
    """The two variances; the slow one floored, and their ratio."""
    square = jnp.clip(error, -20.0, 20.0) ** 2
    errors = jnp.minimum(past.errors + 1, 1024)
    fast = past.fast + jnp.maximum(config.volatility_alpha, 1.0 / errors) * (square - past.fast)
    slow = past.slow + jnp.maximum(1.0 / 250.0, 1.0 / errors) * (square - past.slow)
    now = Volatility(
        jnp.where(scored, fast, past.fast),
        jnp.where(scored, slow, past.slow),
        jnp.where(scored, errors, past.errors),
    )
    floored = jnp.maximum(now.slow, 1e-8)
    return now, floored, jnp.maximum(now.fast, 1e-8) / floored


class Errors(NamedTuple):
    """Baseline, window of residuals (newest last), channels, ticks since the last alarm."""

    mean: Array
    variance: Array
    learned: Array
    window: Array
    filled: Array
    high_run: Array
    channels: Array
    since: Array


class Drift(NamedTuple):
    g_plus: Array
    threshold: Array
    alarm: Array
    in_grace: Array
    raw_kurtosis: Array
    heavy: Array


def follow(
    config: PredictorConfig, past: Errors, error: Array, scored: Array
) -> tuple[Errors, Drift]:
    """Standardise by the past, measure the window, move the channels, test, learn."""
    known = (past.learned >= 8) & (past.variance > 0.0)
    spread = jnp.sqrt(past.variance * (1.0 + 3.0 / jnp.maximum(past.learned, 1)))
    z = jnp.where(known, (error - past.mean) / jnp.where(known, spread, 1.0), 0.0)

    enters = scored & known
    bounded = jnp.clip(z, -64.0, 64.0)
    window = jnp.where(enters, jnp.append(past.window[1:], bounded), past.window)
    filled = jnp.minimum(past.filled + enters, WINDOW)
    full = filled == WINDOW
    raw = jnp.where(full, _kurtosis(window), 3.0)
    kappa = jnp.where(full, _kurtosis(jnp.clip(window, -4.0, 4.0)), 3.0)
    high = full & (_kurtosis_without_the_farthest(window) > 20.0)
    high_run = jnp.where(scored, jnp.where(high, past.high_run + 1, 0), past.high_run)

    since = past.since + 1
    in_grace = since < config.grace_period_steps
    z = jnp.clip(z, -4.0, 4.0)
    likelier_doubled = 6.5 * (jnp.log1p(z**2 / 10.0) - jnp.log1p(z**2 / 40.0)) - jnp.log(2.0)
    steps = jnp.stack([z - config.cusum_k, -z - config.cusum_k, likelier_doubled - 0.08])
    start = jnp.where(since == config.grace_period_steps, 0.0, past.channels)
    channels = jnp.where(scored, jnp.maximum(start + steps, 0.0), past.channels)
    g_plus = channels.max() / 1.25
    threshold = config.cusum_h * (1.0 + jnp.log(jnp.maximum(kappa, 3.0) / 3.0))
    alarm = scored & ~in_grace & (g_plus > threshold)

    step = error - past.mean
    bound = 2.25 * jnp.sqrt(past.variance)
    step = jnp.where(past.learned >= 20, jnp.clip(step, -bound, bound), step)
    learned = jnp.where(past.variance > 0.0, past.learned, jnp.minimum(past.learned, 1))
    gain = jnp.maximum(1.0 / (learned + 1), 1.0 - 0.5 ** (1.0 / 250.0))
    now = Errors(
        mean=jnp.where(scored, past.mean + gain * step, past.mean),
        variance=jnp.where(scored, (1.0 - gain) * (past.variance + gain * step**2), past.variance),
        learned=jnp.where(
            scored, jnp.where(alarm, 0, jnp.minimum(learned + 1, 1024)), past.learned
        ),
        window=window,
        filled=filled,
        high_run=high_run,
        channels=jnp.where(alarm, 0.0, channels),
        since=jnp.where(scored, jnp.where(alarm, 0, since), past.since),
    )
    return now, Drift(g_plus, threshold, alarm, in_grace, raw, high_run > 5)


def _kurtosis(window: Array) -> Array:
    return _ratio(window, jnp.ones_like(window))


def _kurtosis_without_the_farthest(window: Array) -> Array:
    mean = window.mean()
    highest, lowest = window.argmax(), window.argmin()
    up = window[highest] - mean > mean - window[lowest]
    farthest = jnp.where(up, highest, lowest)
    return _ratio(window, (jnp.arange(WINDOW) != farthest).astype(window.dtype))


def _ratio(window: Array, weight: Array) -> Array:
    count = weight.sum()
    deviation = window - (weight * window).sum() / count
    variance = (weight * deviation**2).sum() / count
    fourth = (weight * deviation**4).sum() / count
    spread = variance > float(np.finfo(window.dtype).eps)
    return jnp.where(spread, fourth / jnp.where(spread, variance, 1.0) ** 2, 3.0)
