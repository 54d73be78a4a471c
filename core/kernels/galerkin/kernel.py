"""Kernel B within a tick: learn the drift, forecast with the surface, watch for collapse."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.increments import Increments
from core.kernels.galerkin.collapse import Collapse, collapse_fields, update_collapse
from core.kernels.galerkin.drift import drift_fields, learn_drift
from core.kernels.galerkin.network import DOMAIN
from core.kernels.galerkin.surface import Surface, evaluate
from core.layout import Field, State
from core.levels import Levels

__all__ = ["Galerkin", "fields", "update"]

INCREMENT_BOUND = 8.0
FORECAST_BOUND = 4.0


class Galerkin(NamedTuple):
    """Each [1, lanes].

    Attributes:
        forecast: of r_{t+1}, scale units.
        entropy: of the network's solution, nats.
        collapse: see `collapse`.
    """

    forecast: Float[Array, "1 lanes"]
    entropy: Float[Array, "1 lanes"]
    collapse: Collapse


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Drift and latch, the last z-score of the level and its unit; the network lies elsewhere."""
    del config
    return (
        *drift_fields(),
        *collapse_fields(),
        Field("galerkin.level", "B", 1, 0.0),
        Field("galerkin.unit", "B", 1, 0.0),
    )


def update(
    config: PredictorConfig,
    state: State,
    *,
    tick: Increments,
    levels: Levels,
    surface: Surface,
) -> tuple[dict[str, Float[Array, "rows lanes"]], Galerkin]:
    """Learn from r_t, then forecast r_{t+1}: u(0, x_t) - x_t back in scale units.

    The surface is of the last training, before this tick. Source: predictor.md, section 3, B.
    """
    dtype = levels.mean.dtype
    scale = tick.scale.astype(dtype)
    before = state["galerkin.unit"]
    counts = (before > 0.0) & ~tick.first & ~tick.reanchored
    increment = jnp.clip(tick.increment, -INCREMENT_BOUND, INCREMENT_BOUND)
    y = jnp.where(counts, increment * scale / jnp.where(before > 0.0, before, 1.0), 0.0)
    new = settle(learn_drift(state, state["galerkin.level"], y, counts))

    moving = levels.deviation > 0.0
    x = jnp.where(
        moving, (tick.level - levels.mean) / jnp.where(moving, levels.deviation, 1.0), 0.0
    )
    x = settle(jnp.clip(x, -DOMAIN, DOMAIN))
    ahead = jnp.where(moving, evaluate(surface.coefficients, x) * levels.deviation / scale, 0.0)
    watch, collapse = update_collapse(
        state,
        surface,
        latent_weight=state["orchestrator.weights"][1:2],
        gamma=config.dgm_entropy_gamma,
    )
    new |= watch
    new["galerkin.level"] = x
    new["galerkin.unit"] = levels.deviation
    forecast = jnp.clip(ahead, -FORECAST_BOUND, FORECAST_BOUND)
    return new, Galerkin(forecast, surface.entropy, collapse)
