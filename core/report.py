"""The last valid result of an asset: stored, so that a rejected tick can repeat it exactly.

Every output is rendered from the stored rows, whether they were written at this tick or before.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from core.config import PredictorConfig
from core.flags import INSTANT_EVENTS, LEVEL_FLAGS, Flag, Kernel
from core.layout import Field, State
from core.packed import OUTPUT_ROWS
from core.split import join

__all__ = ["Edges", "edges", "fields", "render"]

_TELEMETRY = (
    "scale",
    "holder_exponent",
    "cusum_drift",
    "distance_to_collapse",
    "free_energy",
    "kurtosis",
    "dgm_entropy",
)
_DECISION = ("mode", "signature_depth", "kernel_mask")
_INITIAL = {
    "price_hi": math.nan,
    "location_hi": math.nan,
    "holder_exponent": 0.5,
    "kurtosis": 3.0,
    "dgm_entropy": math.nan,
    "flags": float(Flag.WARMING_UP),
}

Edges = tuple[Float[Array, "1 lanes"], Float[Array, "1 lanes"], Float[Array, "1 lanes"]]
"""Raised, cleared and instant bits."""


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """One row per reported number; prices as pairs. NaN prices until there is a result."""
    del config
    singles = (
        "predicted_next",
        *(f"{price}_{part}" for price in ("price", "location") for part in ("hi", "lo")),
        *_TELEMETRY,
        "adaptive_threshold",
        "flags",
        *_DECISION,
    )
    return (
        *(Field(f"result.{name}", "global", 1, _INITIAL.get(name, 0.0)) for name in singles),
        Field("result.weights", "global", 4, 0.25),
        Field("result.forecasts", "global", 4, 0.0),
    )


def edges(
    before: Float[Array, "1 lanes"], now: Float[Array, "1 lanes"], instant: Float[Array, "1 lanes"]
) -> Edges:
    """Level flags that rose and fell between two results, and the instant events as they are."""
    old, new = _bits(before) & int(LEVEL_FLAGS), _bits(now) & int(LEVEL_FLAGS)
    wide = jnp.float64
    return (
        (new & ~old).astype(wide),
        (old & ~new).astype(wide),
        (_bits(instant) & int(INSTANT_EVENTS)).astype(wide),
    )


def render(state: State, changed: Edges) -> Float[Array, "outputs lanes"]:
    """The packed outputs, float64, block by block in the order of `Output`."""
    decision = _wide(state, _DECISION)
    raised, cleared, instant = changed
    blocks = (
        _wide(state, ("predicted_next",)),
        join(state["result.price_hi"], state["result.price_lo"]),
        join(state["result.location_hi"], state["result.location_lo"]),
        _wide(state, _TELEMETRY),
        _wide(state, ("adaptive_threshold",)),
        _simplex(state["result.weights"].astype(jnp.float64)),
        _where_run(state["result.forecasts"].astype(jnp.float64), decision[-1:]),
        _wide(state, ("flags",)),
        raised,
        cleared,
        instant,
        decision,
    )
    outputs = jnp.concatenate(blocks)
    assert outputs.shape[0] == OUTPUT_ROWS
    return outputs


def _wide(state: State, names: tuple[str, ...]) -> Float[Array, "names lanes"]:
    return jnp.concatenate([state[f"result.{name}"] for name in names]).astype(jnp.float64)


def _simplex(weights: Float[Array, "4 lanes"]) -> Float[Array, "4 lanes"]:
    """Renormalised in float64, so that the sum holds to 1e-12 from a float32 state too."""
    return weights / (weights[0:1] + weights[1:2] + weights[2:3] + weights[3:4])


def _where_run(
    forecasts: Float[Array, "4 lanes"], kernel_mask: Float[Array, "1 lanes"]
) -> Float[Array, "4 lanes"]:
    kernels = jnp.array([[int(kernel)] for kernel in Kernel], dtype=jnp.int32)
    return jnp.where((_bits(kernel_mask) & kernels) != 0, forecasts, jnp.nan)


def _bits(value: Float[Array, "1 lanes"]) -> Int[Array, "1 lanes"]:
    return value.astype(jnp.int32)
