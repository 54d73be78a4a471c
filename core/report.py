"""The last valid result of an asset: stored, so that a rejected tick can repeat it exactly.

Every output is rendered from the stored rows, whether they were written at this tick or before.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from core.config import PredictorConfig
from core.flags import INSTANT_EVENTS, LEVEL_FLAGS, Flag, Kernel
from core.layout import Field, State
from core.packed import OUTPUT_ROWS, Output
from core.split import join

__all__ = ["Edges", "edges", "fields", "render"]

_PLAIN: Mapping[Output, str] = {
    Output.PREDICTED_NEXT: "predicted_next",
    Output.SCALE: "scale",
    Output.HOLDER_EXPONENT: "holder_exponent",
    Output.CUSUM_DRIFT: "cusum_drift",
    Output.DISTANCE_TO_COLLAPSE: "distance_to_collapse",
    Output.FREE_ENERGY: "free_energy",
    Output.KURTOSIS: "kurtosis",
    Output.ADAPTIVE_THRESHOLD: "adaptive_threshold",
    Output.MODE: "mode",
    Output.SIGNATURE_DEPTH: "signature_depth",
    Output.KERNEL_MASK: "kernel_mask",
}

Edges = tuple[Float[Array, "1 64"], Float[Array, "1 64"], Float[Array, "1 64"]]
"""Raised, cleared and instant bits."""


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """One row per reported number; prices as pairs. NaN prices until there is a result."""
    del config
    initial = {"holder_exponent": 0.5, "kurtosis": 3.0}
    return (
        *(Field(f"result.{name}", "global", 1, initial.get(name, 0.0)) for name in _PLAIN.values()),
        Field("result.price_hi", "global", 1, jnp.nan),
        Field("result.price_lo", "global", 1, 0.0),
        Field("result.location_hi", "global", 1, jnp.nan),
        Field("result.location_lo", "global", 1, 0.0),
        Field("result.weights", "global", 4, 0.25),
        Field("result.forecasts", "global", 4, 0.0),
        Field("result.flags", "global", 1, float(Flag.WARMING_UP)),
    )


def edges(
    before: Float[Array, "1 64"], now: Float[Array, "1 64"], instant: Float[Array, "1 64"]
) -> Edges:
    """Level flags that rose and fell between two results, and the instant events as they are."""
    old, new = _bits(before) & int(LEVEL_FLAGS), _bits(now) & int(LEVEL_FLAGS)
    wide = jnp.float64
    return (
        (new & ~old).astype(wide),
        (old & ~new).astype(wide),
        (_bits(instant) & int(INSTANT_EVENTS)).astype(wide),
    )


def render(state: State, changed: Edges) -> Float[Array, "outputs 64"]:
    """The packed outputs, float64."""
    stored = {name: state[f"result.{name}"].astype(jnp.float64) for name in _PLAIN.values()}
    rows = {row: stored[name] for row, name in _PLAIN.items()}
    rows[Output.PREDICTED_PRICE] = join(state["result.price_hi"], state["result.price_lo"])
    rows[Output.LOCATION] = join(state["result.location_hi"], state["result.location_lo"])
    rows[Output.DGM_ENTROPY] = jnp.full_like(rows[Output.SCALE], jnp.nan)
    rows[Output.FLAGS] = state["result.flags"].astype(jnp.float64)
    rows[Output.RAISED], rows[Output.CLEARED], rows[Output.INSTANT] = changed
    # Renormalised in float64, so that the simplex holds to 1e-12 from a float32 state too.
    weights = state["result.weights"].astype(jnp.float64)
    weights = weights / (weights[0:1] + weights[1:2] + weights[2:3] + weights[3:4])
    ran = _bits(stored["kernel_mask"])
    for i, kernel in enumerate(Kernel):
        rows[Output(Output.WEIGHT_A + i)] = weights[i : i + 1]
        forecast = state["result.forecasts"][i : i + 1].astype(jnp.float64)
        forecast = jnp.where((ran & int(kernel)) != 0, forecast, jnp.nan)
        rows[Output(Output.FORECAST_A + i)] = forecast
    return jnp.concatenate([rows[Output(row)] for row in range(OUTPUT_ROWS)])


def _bits(value: Float[Array, "1 64"]) -> Int[Array, "1 64"]:
    return value.astype(jnp.int32)
