"""The orchestrator with four synthetic experts: regret, switching, limits of epsilon."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Float64
from numpy import ndarray

from core import PredictorConfig, orchestrator, volatility
from core.layout import build_layout

LANES = 64
TICKS = 4000
SEGMENT = 1000


class Played(NamedTuple):
    """Mixture weights before each tick, and losses; axis 0 is time."""

    weights: Float64[ndarray, "ticks 4 64"]
    mixture_loss: Float64[ndarray, "ticks 64"]
    expert_loss: Float64[ndarray, "ticks 4 64"]
    converged: ndarray


@functools.cache
def player(config: PredictorConfig, dtype: str = "float64") -> Callable[..., tuple[jax.Array, ...]]:
    layout = build_layout((*orchestrator.fields(config), *volatility.fields(config)))
    always, never = jnp.ones((1, LANES), dtype=bool), jnp.zeros((1, LANES), dtype=bool)

    def step(
        packed: jax.Array, tick: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        forecasts, outcome = tick
        state = layout.view(packed) | {"orchestrator.forecasts": forecasts}
        weights = state["orchestrator.weights"]
        error = outcome - (weights * forecasts).sum(axis=0, keepdims=True)
        new, unsettled = volatility.update(config, state, error=error, scored=always)
        fields, out = orchestrator.update(
            config,
            state,
            realised=outcome,
            forecasts=forecasts,
            volatility=unsettled,
            learning=always,
            robust=never,
            reset=never,
        )
        return layout.pack(new | fields), (weights, out.converged)

    def play(forecasts: jax.Array, outcomes: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.lax.scan(step, jnp.asarray(layout.fresh(dtype, 64)), (forecasts, outcomes))[1]

    return jax.jit(play)


def play(
    forecasts: Float64[ndarray, "ticks 4 64"],
    outcomes: Float64[ndarray, "ticks 64"],
    config: PredictorConfig | None = None,
) -> Played:
    weights, converged = player(config or PredictorConfig())(forecasts, outcomes[:, None])
    w = np.asarray(weights)
    mixed = (w * forecasts).sum(axis=1)
    losses = (outcomes[:, None] - forecasts) ** 2
    return Played(w, (outcomes - mixed) ** 2, losses, np.asarray(converged))


def switching(seed: int) -> tuple[ndarray, ndarray]:
    """All experts see a signal through unit noise; one, a tenth of it; which one, switches."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(TICKS, LANES))
    outcomes = signal + 0.5 * rng.normal(size=(TICKS, LANES))
    forecasts = signal[:, None] + rng.normal(size=(TICKS, 4, LANES))
    best = np.arange(TICKS) // SEGMENT
    forecasts[np.arange(TICKS), best] = signal + 0.1 * rng.normal(size=(TICKS, LANES))
    return forecasts, outcomes


def test_follows_the_best_expert_through_switches() -> None:
    forecasts, outcomes = switching(0)
    played = play(forecasts, outcomes)
    best = np.arange(TICKS) // SEGMENT
    regret = (played.mixture_loss - played.expert_loss[np.arange(TICKS), best]).sum(axis=0)
    assert regret.max() <= 60.0
    settled = [played.weights[k * SEGMENT + 100, k] for k in range(4)]
    # 256 instants: single ones dip when the noise has just favoured another expert.
    assert np.mean(np.array(settled) >= 0.85) >= 0.98
    assert np.mean(settled) >= 0.95


@pytest.mark.parametrize("learning_rate", [0.03, 0.1, 1.0, 10.0])
def test_a_faster_rate_keeps_to_the_best_expert(learning_rate: float) -> None:
    """Whose forecasts stand alone: from a gain of one on, the step would take weight from it."""
    rng = np.random.default_rng(6)
    outcomes = rng.normal(size=(TICKS, LANES))
    forecasts = np.zeros((TICKS, 4, LANES))
    forecasts[:, 2] = 0.9 * outcomes
    played = play(forecasts, outcomes, PredictorConfig(learning_rate=learning_rate))
    assert played.weights[100:, 2].mean() >= 0.95


def test_averages_independent_noise() -> None:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(TICKS, LANES))
    outcomes = signal + rng.normal(size=(TICKS, LANES))
    forecasts = signal[:, None] + 0.5 * rng.normal(size=(TICKS, 4, LANES))
    played = play(forecasts, outcomes)
    regret = played.mixture_loss.sum(axis=0) - played.expert_loss.sum(axis=0).min(axis=0)
    assert regret.max() <= -75.0


def test_large_epsilon_is_uniform() -> None:
    played = play(*switching(2), PredictorConfig(epsilon=1e4))
    assert np.abs(played.weights - 0.25).max() < 1e-3


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 1.0, 1e4])
def test_weights_stay_a_positive_simplex_and_the_kernel_balances(epsilon: float) -> None:
    played = play(*switching(3), PredictorConfig(epsilon=epsilon))
    assert np.abs(played.weights.sum(axis=1) - 1.0).max() <= 1e-12
    assert played.weights.min() > 0.0
    assert played.converged.all()


def test_equivariant_under_exchange_of_experts() -> None:
    forecasts, outcomes = switching(4)
    order = [2, 0, 3, 1]
    straight, exchanged = play(forecasts, outcomes), play(forecasts[:, order], outcomes)
    np.testing.assert_allclose(exchanged.weights, straight.weights[:, order], atol=1e-9)


def test_one_step_against_the_formula() -> None:
    """Numpy, by hand: KL-proximal step with the second-order term, then the leak."""
    rng = np.random.default_rng(5)
    forecasts, outcomes = rng.normal(size=(2, 4, LANES)), rng.normal(size=(2, LANES))
    got = play(forecasts, outcomes).weights[1]
    for lane in range(LANES):
        f, y = forecasts[0, :, lane], outcomes[0, lane]
        rate, temperature = 0.2, 1e-3
        error = y - f.mean()
        gain = rate * np.clip(2.0 * error * (f - f.mean()) / max(error**2, 1e-8), -3.0, 3.0)
        w = np.exp((np.log(0.25) + gain * (1.0 - gain)) / (1.0 + rate * temperature))
        w /= w.sum()
        w = (w + temperature * (1.0 - w)) / (1.0 + 3.0 * temperature)
        np.testing.assert_allclose(got[:, lane], w, atol=1e-12)
