"""Kernels A and C, and the gate, for one asset."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from benchmarks.naive.front import Seen
from core.config import PredictorConfig

__all__ = ["Gate", "Hilbert", "Jumps", "gated", "jump_diffusion", "projection"]


class Hilbert(NamedTuple):
    covariance: Array
    coefficients: Array
    features: Array
    forecasts: Array
    losses: Array


def projection(
    past: Hilbert, seen: Seen, *, mean: Array, deviation: Array, bank_forecast: Array
) -> tuple[Hilbert, Array]:
    """Recursive least squares on six lags and the level, blended with the bank's forecast."""
    r = jnp.clip(seen.increment, -8.0, 8.0)
    x = past.features
    P = jnp.where(seen.first, jnp.eye(7) / 10.0, past.covariance)
    gain = P @ x / (0.9995 + x @ P @ x)
    coefficients = past.coefficients + gain * (r - past.coefficients @ x)
    P = (P - jnp.outer(gain, P @ x)) / 0.9995
    P = 0.5 * (P + P.T)
    P = P * jnp.minimum(1.0, 0.7 / jnp.maximum(jnp.trace(P), 1e-30))
    gap = jnp.where(deviation > 0.0, (mean - seen.level) / deviation, 0.0)
    features = jnp.concatenate([r[None], x[:5], jnp.clip(gap, -4.0, 4.0)[None]])
    both = jnp.stack([jnp.clip(coefficients @ features, -4.0, 4.0), bank_forecast])
    losses = 0.5 ** (1 / 500) * past.losses + (r - past.forecasts) ** 2
    share = 1.0 / (1.0 + jnp.exp(-jnp.clip(0.5 * (losses[1] - losses[0]), -50.0, 50.0)))
    forecast = share * both[0] + (1.0 - share) * both[1]
    return Hilbert(P, coefficients, features, both, losses), forecast


class Jumps(NamedTuple):
    ticks: Array
    variance: Array
    plain: Array
    move_share: Array
    rate: Array
    total: Array
    weight: Array
    mean_level: Array
    mean_increment: Array
    squares: Array
    products: Array
    level: Array
    predicted: Array
    drift: Array
    bumps: Array


def jump_diffusion(past: Jumps, seen: Seen, smallest: Array) -> tuple[Jumps, Array]:
    """Truncated variance, weighted regression on the level, learned drift, mean of the jumps."""
    r, scale = seen.increment, seen.scale
    ticks = jnp.minimum(past.ticks + 1, 1024)
    young = 1.0 / ticks
    least = (smallest / scale) ** 2

    def floored(variance: Array, plain: Array, share: Array) -> Array:
        return jnp.maximum(variance, jnp.maximum(jnp.maximum(0.05 * plain, share * least), 1e-6))

    deviation = (1.0 + 1e-6) * jnp.sqrt(floored(past.variance, past.plain, past.move_share))
    jump = (past.ticks >= 32) & (jnp.abs(r) > 5.0 * deviation)
    left_out = (past.ticks >= 32) & (jnp.abs(r) > 4.0 * deviation)
    gain = jnp.where(left_out, 0.0, jnp.maximum(young, 0.01))
    slow = jnp.maximum(young, 1.0 / 1000.0)
    variance = past.variance + gain * (r**2 - past.variance)
    plain = past.plain + jnp.maximum(young, 1.0 / 360.0) * (r**2 - past.plain)
    move_share = past.move_share + slow * (seen.moved - past.move_share)
    rate = past.rate + slow * (jump - past.rate)
    total = past.total + slow * (jump * r - past.total)

    forget, unit = 0.5 ** (1 / 1000), jnp.clip(seen.previous_scale / scale, 1e-3, 1e3)
    w = jnp.where(jump | seen.first, 0.0, 1.0 / floored(variance, plain, move_share))
    weight = forget * past.weight + w
    share = jnp.where(weight > 0.0, w / jnp.maximum(weight, 1e-20), 0.0)
    x, d = (past.level - past.mean_level) / scale, r - past.mean_increment
    squares = forget * unit**2 * past.squares + w * (1.0 - share) * x * x
    products = forget * unit * past.products + w * (1.0 - share) * x * d
    mean_level = past.mean_level + share * (past.level - past.mean_level)
    mean_increment = past.mean_increment + share * d
    slope = jnp.clip(products / (squares + 10.0), -1.0, 0.0)

    error = jnp.where(jump, 0.0, jnp.clip(r - past.predicted, -4.0, 4.0))
    drift = (1.0 - 1e-4) * past.drift
    drift = drift + 0.005 * error * past.bumps / (0.5 + past.bumps @ past.bumps)
    spread = jnp.maximum(jnp.sqrt(squares / jnp.maximum(weight, 1e-6)), 1e-3)
    distance = (seen.level - mean_level) / scale
    offset = jnp.clip(distance / spread, -4.0, 4.0) - jnp.array([-1.5, -0.5, 0.5, 1.5])
    bumps = jnp.exp(-0.5 * offset**2)
    stiffness = jnp.abs(jnp.log(jnp.maximum(1.0 + slope, 1e-3)) - drift @ (offset * bumps) / spread)
    implicit = jnp.clip(stiffness - 1.0, 0.0, 1.0)
    learned = (drift @ bumps) * (1.0 - implicit + implicit / (1.0 + stiffness))
    predicted = mean_increment + slope * distance + learned
    jumps = rate * jnp.where(rate > 1e-6, total / jnp.maximum(rate, 1e-6), 0.0)
    now = Jumps(
        ticks=ticks,
        variance=variance,
        plain=plain,
        move_share=move_share,
        rate=rate,
        total=total,
        weight=weight,
        mean_level=mean_level,
        mean_increment=mean_increment,
        squares=squares,
        products=products,
        level=seen.level,
        predicted=predicted,
        drift=drift,
        bumps=bumps,
    )
    return now, jnp.clip(predicted + jumps, -5.0, 5.0)


class Gate(NamedTuple):
    raw: Array
    squares: Array
    products: Array
    outcomes: Array
    weight: Array


def gated(
    config: PredictorConfig, past: Gate, raw: Array, *, realised: Array, scored: Array
) -> tuple[Gate, Array, Array]:
    """Forecasts times their slope's lower bound, within [0, 1]; and that times correlation^4."""
    outcome, forget = jnp.clip(realised, -8.0, 8.0), 0.5 ** (1 / 2000)
    sums = (past.raw**2, past.raw * outcome, outcome**2, jnp.ones_like(outcome))
    squares, products, outcomes, weight = (
        jnp.where(scored, forget * old + new, old) for old, new in zip(past[1:], sums, strict=True)
    )
    now = Gate(raw, squares, products, outcomes, weight)
    if not config.kernel_gate:
        return now, raw, jnp.ones_like(raw)
    slope = products / (squares + 1e-12)
    variance = jnp.maximum(outcomes - slope * products, 0.0) / weight
    factor = jnp.clip(slope - 0.5 * jnp.sqrt(variance / (squares + 1e-12)), 0.0, 1.0)
    correlation = products / jnp.sqrt((squares + 1e-12) * outcomes)
    return now, raw * factor, factor * correlation**4
