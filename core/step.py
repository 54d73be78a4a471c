"""One tick of every active lane: the packed state and inputs in, the same out.

The order matters: what was forecast at t-1 is scored before anything learns from tick t, and
only then is t+1 forecast. Which of the new fields a lane keeps is decided in one place.
"""

import jax.numpy as jnp
import numpy as np
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
from core.kernels import galerkin, gate, hilbert, jump_diffusion, signature
from core.layout import StateLayout, build_layout
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
    galerkin,
    jump_diffusion,
    signature,
)


def state_layout(config: PredictorConfig) -> StateLayout:
    """Placement of every component's fields under a configuration."""
    return build_layout(field for part in _COMPONENTS for field in part.fields(config))


def packed_step(
    config: PredictorConfig,
    packed: Float[Array, "rows lanes"],
    inputs: Float[Array, "inputs lanes"],
    surface: Float[Array, "surface lanes"],
) -> tuple[Float[Array, "rows lanes"], Float[Array, "outputs lanes"]]:
    """Advance the active lanes by one tick. Traced once per configuration and dtype.

    Args:
        config: hyperparameters.
        packed: state, `state_layout(config).rows` rows, float32 or float64.
        inputs: rows of `Input`, float64.
        surface: what training has left of each lane's network, rows of `galerkin.Surface`, in the
            state's dtype.

    Returns:
        The new state, and outputs in rows of `Output`, float64. An inactive lane's are of its last
        tick, but for the instant events, which are undefined.
    """
    layout = state_layout(config)
    state = layout.view(packed)
    new, seen = settle(observe(config, state, inputs))
    fields, found = detect(config, state, seen)
    new |= fields
    fields, ahead = forecast(config, state, seen, found, galerkin.Surface.of(surface))
    new |= fields
    fields, mixture = settle(
        orchestrator.update(
            config,
            state,
            realised=seen.realised,
            forecasts=ahead.gated.forecasts,
            volatility=found.volatility,
            learning=seen.scored & ~seen.guards.degraded,
            robust=found.mode > float(Mode.STANDARD),
            reset=found.drift.alarm,
        )
    )
    new |= fields
    fields, instant = result_fields(
        config, state, inputs, seen=seen, found=found, ahead=ahead, mixture=mixture
    )
    new |= fields
    instant = jnp.where(seen.tick.accepted, instant, 0.0)
    runs = _keep(layout, packed, new, inputs=inputs, accepted=seen.tick.accepted)
    # Whatever reads the old tile comes before this fence: the new one is written in its place.
    runs, instant, before = settle((runs, instant, state["result.flags"]))
    kept = settle(jnp.concatenate(runs))
    state = layout.view(kept)
    return kept, report.render(state, report.edges(before, state["result.flags"], instant))


def _keep(
    layout: StateLayout,
    packed: Float[Array, "rows lanes"],
    new: Rows,
    *,
    inputs: Float[Array, "inputs lanes"],
    accepted: Bool[Array, "1 lanes"],
) -> list[Float[Array, "rows lanes"]]:
    """Accepted ticks enter the state; rejected ones only the guard; inactive lanes nothing.

    In stretches that together make a tile: one select over a whole tile would read and write it
    once more than needed, and a tile is larger than a core's first cache.
    """
    before = packed[layout.slices["result.flags"]]
    repeated = before.astype(jnp.int32) & ~int(Flag.REGIME_CHANGE_DETECTED)
    marked = (repeated | int(Flag.DOMAIN_ERROR)).astype(packed.dtype)
    new["result.flags"] = jnp.where(accepted, new["result.flags"], marked)
    always = np.zeros((layout.rows, 1), dtype=bool)
    for name in (*increments.GUARD_FIELDS, "result.flags"):
        always[layout.slices[name]] = True
    active = inputs[Input.ACTIVE : Input.ACTIVE + 1] > 0.0
    entering = settle(active & accepted)
    return [
        jnp.where(active & always[rows] | entering, settle(run), packed[rows])
        for rows, run in layout.runs(new)
    ]
