"""One tick of every active lane: the packed state and inputs in, the same out.

The order matters: what was forecast at t-1 is scored before anything learns from tick t, and
only then is t+1 forecast. Which of the new fields a lane keeps is decided in one place.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core import (
    cusum,
    guards,
    holder,
    increments,
    kurtosis,
    levels,
    orchestrator,
    report,
    volatility,
)
from core.barrier import settle
from core.config import PredictorConfig
from core.flags import Flag, Mode
from core.kernels import gate, hilbert, jump_diffusion
from core.layout import State, StateLayout, build_layout
from core.packed import Input
from core.phases import Rows, detect, forecast, observe
from core.publish import result_fields

__all__ = ["packed_step", "state_layout"]

_COMPONENTS = (
    increments,
    levels,
    guards,
    holder,
    cusum,
    kurtosis,
    volatility,
    gate,
    orchestrator,
    report,
    hilbert,
    jump_diffusion,
)


def state_layout(config: PredictorConfig) -> StateLayout:
    """Placement of every component's fields under a configuration."""
    return build_layout(field for part in _COMPONENTS for field in part.fields(config))


def packed_step(
    config: PredictorConfig, packed: Float[Array, "rows 64"], inputs: Float[Array, "inputs 64"]
) -> tuple[Float[Array, "rows 64"], Float[Array, "outputs 64"]]:
    """Advance the active lanes by one tick. Traced once per configuration and dtype.

    Args:
        config: hyperparameters.
        packed: state, `state_layout(config).rows` rows, float32 or float64.
        inputs: rows of `Input`, float64.

    Returns:
        The new state, and outputs in rows of `Output`, float64 (undefined for inactive lanes).
    """
    layout = state_layout(config)
    state = layout.view(packed)
    new, seen = settle(observe(config, state, inputs))
    fields, found = detect(config, state, seen)
    new |= fields
    fields, forecasts = forecast(config, state, seen, found)
    new |= fields
    fields, mixture = settle(
        orchestrator.update(
            config,
            state,
            realised=seen.realised,
            forecasts=forecasts,
            volatility=found.volatility,
            learning=seen.scored & ~seen.guards.degraded,
            robust=found.mode > float(Mode.STANDARD),
            reset=found.drift.alarm,
        )
    )
    new |= fields
    fields, instant = result_fields(
        config, state, inputs, seen=seen, found=found, forecasts=forecasts, mixture=mixture
    )
    new |= fields
    accepted = seen.tick.accepted
    active = inputs[Input.ACTIVE : Input.ACTIVE + 1] > 0.0
    kept = _kept(state, new, accepted=accepted, active=active)
    before, now = state["result.flags"], kept["result.flags"]
    changed = report.edges(before, now, jnp.where(accepted, instant, 0.0))
    return layout.pack(kept), report.render(kept, changed)


def _kept(
    state: State, new: Rows, *, accepted: Bool[Array, "1 64"], active: Bool[Array, "1 64"]
) -> Rows:
    """Accepted ticks enter the state; rejected ones only the guard; inactive lanes nothing."""
    valid = active & accepted
    repeated = _bits(state["result.flags"]) & ~int(Flag.REGIME_CHANGE_DETECTED)
    rejected = repeated | int(Flag.DOMAIN_ERROR)
    flags = jnp.where(accepted, new["result.flags"], rejected.astype(new["result.flags"].dtype))
    kept = {name: jnp.where(valid, value, state[name]) for name, value in new.items()}
    for name in increments.GUARD_FIELDS:
        kept[name] = jnp.where(active, new[name], state[name])
    kept["result.flags"] = jnp.where(active, flags, state["result.flags"])
    return kept


def _bits(flags: Float[Array, "1 64"]) -> Array:
    return flags.astype(jnp.int32)
