"""The mixture's latent weights: a KL-proximal step of the free energy, then a transport step.

Latent weights always learn; overrides act on the reported weights (`core.report`) only, because a
multiplicative update never recovers from zero.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.folds import largest, total
from core.kernels.rls import dot
from core.layout import Field, State
from core.logarithm import log
from core.sinkhorn import balance
from core.volatility import Volatility

__all__ = ["EXPERTS", "Orchestrated", "fields", "update"]

EXPERTS = 4
RATE_FACTOR = 20.0
REGRET_BOUND = 3.0
"""Of the instantaneous regret, up to `BOUND_RATE`."""
BOUND_RATE = 0.2
"""At faster rates the bound is lower, so that the gain g = rate * regret stays within 0.6. Its step
g (1 - g) is largest at 1/2; from 1 on, it would take weight from the best expert."""
HUBER_DEVIATIONS = 1.345
TRANSPORT_ITERATIONS = 2
"""With cost 1 - I one iteration balances exactly; the second shows that it has."""
_BALANCE_TOLERANCE = 1e-5
_LEAST_RATIO, _LARGEST_RATIO = 0.5, 10.0
_LEAST_WEIGHT = 1e-12


class Orchestrated(NamedTuple):
    """Each [1, lanes] but the weights, [4, lanes].

    Attributes:
        weights: latent weights after this tick.
        free_energy: <loss, weights> + T sum(weights ln weights), loss per error variance.
        converged: the transport kernel is balanced.
    """

    weights: Float[Array, "4 lanes"]
    free_energy: Float[Array, "1 lanes"]
    converged: Bool[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Latent weights, the forecasts they will be judged by, the last free energy."""
    del config
    return (
        Field("orchestrator.weights", "global", EXPERTS, 1.0 / EXPERTS),
        Field("orchestrator.forecasts", "global", EXPERTS, 0.0),
        Field("orchestrator.free_energy", "global", 1, 0.0),
    )


def update(
    config: PredictorConfig,
    state: State,
    *,
    realised: Float[Array, "1 lanes"],
    forecasts: Float[Array, "4 lanes"],
    volatility: Volatility,
    learning: Bool[Array, "1 lanes"],
    robust: Bool[Array, "1 lanes"],
    reset: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Orchestrated]:
    """Judge the stored forecasts by what was realised, and store the new ones.

    Args:
        config: `learning_rate` and `epsilon` are read.
        state: named view of the tile.
        realised: outcome of the forecasts stored at t-1, scale units.
        forecasts: this tick's gated forecasts.
        volatility: variance of the errors, and the fast-to-slow ratio that couples epsilon.
        learning: elsewhere the weights are frozen.
        robust: Huber loss instead of squares.
        reset: back to uniform weights.
    """
    rate = RATE_FACTOR * config.learning_rate
    weights, past = state["orchestrator.weights"], state["orchestrator.forecasts"]
    temperature = config.epsilon * jnp.clip(volatility.ratio, _LEAST_RATIO, _LARGEST_RATIO)
    temperature = settle(temperature)
    bound = REGRET_BOUND / max(1.0, rate / BOUND_RATE)
    regret = _regret(weights, past, realised, variance=volatility.slow, robust=robust, bound=bound)
    moved = _proximal_step(weights, settle(regret), rate=rate, temperature=temperature)
    moved, residual = settle(_transport(settle(moved), temperature))
    energy = dot(_losses(past, realised, variance=volatility.slow, robust=robust), moved)
    energy = energy + temperature * dot(moved, log(jnp.maximum(moved, _LEAST_WEIGHT)))
    learned = jnp.where(learning, moved, weights)
    energy = jnp.where(learning, energy, state["orchestrator.free_energy"])
    learned = jnp.where(reset, 1.0 / EXPERTS, learned)
    new = {
        "orchestrator.weights": learned,
        "orchestrator.forecasts": forecasts,
        "orchestrator.free_energy": energy,
    }
    return new, Orchestrated(learned, energy, residual < _BALANCE_TOLERANCE)


def _regret(
    weights: Float[Array, "4 lanes"],
    past: Float[Array, "4 lanes"],
    realised: Float[Array, "1 lanes"],
    *,
    variance: Float[Array, "1 lanes"],
    robust: Bool[Array, "1 lanes"],
    bound: float,
) -> Float[Array, "4 lanes"]:
    """Instantaneous regret r_i = 2 e (f_i - mixture) / variance, of the linearised loss."""
    mixture = dot(weights, past)
    error = realised - mixture
    outer = HUBER_DEVIATIONS * jnp.sqrt(variance)
    error = jnp.where(robust, jnp.clip(error, -outer, outer), error)
    return jnp.clip(2.0 * error * (past - mixture) / variance, -bound, bound)


def _proximal_step(
    weights: Float[Array, "4 lanes"],
    regret: Float[Array, "4 lanes"],
    *,
    rate: float,
    temperature: Float[Array, "1 lanes"],
) -> Float[Array, "4 lanes"]:
    """argmin <-regret, w> + T <w, ln w> + KL(w | weights) / rate, with BOA's second-order term.

    Source: Jordan, Kinderlehrer & Otto (1998) with KL for W2; Wintenberger (2017), eq. 3.
    """
    gain = rate * regret
    logits = log(jnp.maximum(weights, _LEAST_WEIGHT)) + gain * (1.0 - gain)
    logits = logits / (1.0 + rate * temperature)
    unscaled = jnp.exp(logits - largest(logits))
    return _normalised(unscaled)


def _transport(
    weights: Float[Array, "4 lanes"], temperature: Float[Array, "1 lanes"]
) -> tuple[Float[Array, "4 lanes"], Float[Array, "1 lanes"]]:
    """Let weight leak through the balanced kernel K_ij = eps^C_ij with cost C = 1 - I.

    At eps >= 1 staying costs as much as moving: the plan, and the weights, are uniform.
    """
    log_leak = log(jnp.minimum(temperature, 1.0))
    cost = 1.0 - jnp.eye(EXPERTS, dtype=weights.dtype)
    plan, residual = balance(cost[:, :, None] * log_leak[None], iterations=TRANSPORT_ITERATIONS)
    moved = plan[:, 0] * weights[0]
    for j in range(1, EXPERTS):
        moved = moved + plan[:, j] * weights[j]
    return _normalised(moved), residual


def _losses(
    past: Float[Array, "4 lanes"],
    realised: Float[Array, "1 lanes"],
    *,
    variance: Float[Array, "1 lanes"],
    robust: Bool[Array, "1 lanes"],
) -> Float[Array, "4 lanes"]:
    """Squared error of each expert per error variance; Huber's beyond 1.345 deviations."""
    deviation = jnp.abs(realised - past) / jnp.sqrt(variance)
    huber = HUBER_DEVIATIONS * (2.0 * deviation - HUBER_DEVIATIONS)
    linear = robust & (deviation > HUBER_DEVIATIONS)
    return jnp.where(linear, huber, jnp.square(deviation))


def _normalised(weights: Float[Array, "4 lanes"]) -> Float[Array, "4 lanes"]:
    return weights / total(weights)
