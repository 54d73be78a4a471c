"""The gate: how much of each kernel's forecast its record supports.

Each forecast is multiplied by a lower confidence bound of the slope of what happened on what was
forecast, so that a kernel without skill becomes persistence instead of noise in the mixture. From
the same sums comes the kernel's credit, by which its weight is reported (`core.weights`).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.config import PredictorConfig
from core.layout import Field, State

__all__ = ["KERNELS", "Gated", "fields", "update"]

KERNELS = 4
REALISED_BOUND = 8.0
_FORGETTING = 0.5 ** (1.0 / 2000.0)
_ERRORS = 0.5
"""Standard errors below the slope: at a skill of 3% a whole one costs a tenth of that skill."""
_PRIOR = 10.0
"""Fictitious observations of unit variance, so that the first few ticks prove nothing."""


class Gated(NamedTuple):
    """Each [4, lanes].

    Attributes:
        forecasts: the raw ones times the lower bound of their slope, within [0, 1].
        credit: that bound times the fourth power of the correlation of forecast and outcome, the
            squared share of the outcome's variance that the kernel has explained. 1 without a
            gate. Forecasts of one outcome are alike: the best alone is better than most averages.
    """

    forecasts: Float[Array, "4 lanes"]
    credit: Float[Array, "4 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Forgetting sums of forecast x forecast, forecast x outcome, outcome squared, and of 1."""
    del config
    return (
        Field("gate.raw_forecasts", "global", KERNELS, 0.0),
        Field("gate.forecast_squares", "global", KERNELS, 0.0),
        Field("gate.products", "global", KERNELS, 0.0),
        Field("gate.outcome_squares", "global", 1, _PRIOR),
        Field("gate.weight", "global", 1, _PRIOR),
    )


def update(
    config: PredictorConfig,
    state: State,
    *,
    raw_forecasts: Float[Array, "4 lanes"],
    realised: Float[Array, "1 lanes"],
    scored: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Gated]:
    """Score the raw forecasts stored at t-1 where `scored`, then gate the new ones.

    Returns:
        The new fields, and the gated forecasts.
    """
    outcome = jnp.clip(realised, -REALISED_BOUND, REALISED_BOUND)
    past = state["gate.raw_forecasts"]
    moved = {
        "gate.forecast_squares": jnp.square(past),
        "gate.products": past * outcome,
        "gate.outcome_squares": jnp.square(outcome),
        "gate.weight": jnp.ones_like(outcome),
    }
    new = {
        name: jnp.where(scored, _FORGETTING * state[name] + value, state[name])
        for name, value in moved.items()
    }
    new["gate.raw_forecasts"] = raw_forecasts
    if not config.kernel_gate:
        return new, Gated(raw_forecasts, jnp.ones_like(raw_forecasts))
    squares = new["gate.forecast_squares"] + 1e-12
    slope = new["gate.products"] / squares
    residual = new["gate.outcome_squares"] - slope * new["gate.products"]
    variance = jnp.maximum(residual, 0.0) / new["gate.weight"]
    bound = slope - _ERRORS * jnp.sqrt(variance / squares)
    factor = jnp.clip(bound, 0.0, 1.0)
    explained = slope * new["gate.products"] / new["gate.outcome_squares"]
    return new, Gated(factor * raw_forecasts, factor * jnp.square(explained))
