"""The orchestrator's latent weights, and the weights that are reported."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from core.config import PredictorConfig

__all__ = ["Mixture", "learn", "report"]


class Mixture(NamedTuple):
    weights: Array
    forecasts: Array
    energy: Array


def learn(
    config: PredictorConfig,
    past: Mixture,
    forecasts: Array,
    *,
    realised: Array,
    variance: Array,
    ratio: Array,
    learning: Array,
    robust: Array,
    reset: Array,
) -> tuple[Mixture, Array]:
    """KL-proximal step with BOA's second-order term, then the leak; whether it balanced."""
    rate = 20.0 * config.learning_rate
    temperature = config.epsilon * jnp.clip(ratio, 0.5, 10.0)
    deviation = jnp.sqrt(variance)
    mixed = past.weights @ past.forecasts
    error = realised - mixed
    error = jnp.where(robust, jnp.clip(error, -1.345 * deviation, 1.345 * deviation), error)
    bound = 3.0 / max(1.0, rate / 0.2)
    regret = jnp.clip(2.0 * error * (past.forecasts - mixed) / variance, -bound, bound)
    logits = jnp.log(jnp.maximum(past.weights, 1e-12)) + rate * regret * (1.0 - rate * regret)
    moved = jnp.exp(
        logits / (1.0 + rate * temperature) - (logits / (1.0 + rate * temperature)).max()
    )
    moved, residual = _leak(moved / moved.sum(), temperature)

    u = jnp.abs(realised - past.forecasts) / deviation
    loss = jnp.where(robust & (u > 1.345), 1.345 * (2.0 * u - 1.345), u**2)
    energy = loss @ moved + temperature * moved @ jnp.log(jnp.maximum(moved, 1e-12))
    now = Mixture(
        weights=jnp.where(reset, 0.25, jnp.where(learning, moved, past.weights)),
        forecasts=forecasts,
        energy=jnp.where(learning, energy, past.energy),
    )
    return now, residual < 1e-5


def _leak(weights: Array, temperature: Array) -> tuple[Array, Array]:
    """Through K = T^(1 - I), made doubly stochastic by alternating normalisations."""
    kernel = jnp.minimum(temperature, 1.0) ** (1.0 - jnp.eye(4))

    def normalise(_: Array, plan: Array) -> Array:
        plan = plan / plan.sum(axis=1, keepdims=True)
        return plan / plan.sum(axis=0, keepdims=True)

    plan = lax.fori_loop(0, 20, normalise, kernel)
    moved = plan @ weights
    return moved / moved.sum(), jnp.abs(plan.sum(axis=1) - 1.0).max()


def report(
    latent: Array,
    *,
    credit: Array,
    runs: Array,
    last: Array,
    frozen: Array,
    emergency: Array,
    collapsed: Array,
) -> Array:
    """Frozen before emergency before collapse before masks before credit; uniform if nothing is
    left."""
    barred = jnp.array([False, True, False, False]) & collapsed & runs[jnp.array([0, 2, 3])].any()
    latent = jnp.where(barred, 0.0, latent)
    votes = jnp.where(((latent * credit) * runs).sum() > 0.0, latent * credit, latent)
    only_d = jnp.array([0.0, 0.0, 0.0, 1.0])
    wanted = jnp.where(frozen, last, jnp.where(emergency & runs[3], only_d, votes))
    kept = jnp.where(runs, wanted, 0.0)
    left = runs & ~barred
    even = jnp.where(left.any(), left / jnp.maximum(left.sum(), 1), 0.25)
    return jnp.where(kept.sum() > 0.0, kept / jnp.where(kept.sum() > 0.0, kept.sum(), 1.0), even)
