"""The programs before they are compiled, each for one shape: one kernel, every product rounded.

The rounding is why an asset's bits are the same in each of them, at every width.
"""

import functools
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Float64, Int

from core.config import PredictorConfig
from core.flags import Flag
from core.kernel import one_kernel
from core.kernels import galerkin
from core.layout import StateLayout
from core.packed import INPUT_ROWS, OUTPUT_ROWS, Input, Output
from core.rounding import rounded
from core.step import packed_step, state_layout

__all__ = ["ZERO", "trace_run", "trace_step", "trace_training"]

ZERO: Final = np.zeros(())
"""First argument of each program: see `core.rounding`."""

_Run = tuple[
    Int[Array, ""],
    Int[Array, ""],
    Float[Array, "rows 1"],
    Float[Array, "1 network"],
    Float64[Array, "ticks outputs"],
]


def trace_step(config: PredictorConfig, dtype: str, width: int) -> jax.stages.Traced:
    """One tick of so many assets; a tile of more than one lane is consumed."""
    step = one_kernel(rounded(functools.partial(packed_step, config)))
    return jax.jit(step, donate_argnums=1 if width > 1 else ()).trace(
        ZERO,
        np.empty((state_layout(config).rows, width), dtype),
        np.empty((INPUT_ROWS, width)),
        np.empty((galerkin.SURFACE_ROWS, width), dtype),
    )


def trace_training(config: PredictorConfig, dtype: str, width: int) -> jax.stages.Traced:
    """One training step of so many networks."""
    layout = state_layout(config)
    rows = layout.blocks["B"]
    training = one_kernel(rounded(functools.partial(_train, layout)))
    return jax.jit(training).trace(
        ZERO,
        np.empty((width, rows.stop - rows.start), dtype),
        np.empty((width, galerkin.NETWORK_ROWS), dtype),
    )


def trace_run(config: PredictorConfig, dtype: str, ticks: int) -> jax.stages.Traced:
    """Up to so many ticks of one asset, its network trained in between."""
    run = one_kernel(functools.partial(_run, config=config))
    return jax.jit(run).trace(
        ZERO,
        np.empty((state_layout(config).rows, 1), dtype),
        np.empty((1, galerkin.NETWORK_ROWS), dtype),
        np.empty((ticks, INPUT_ROWS)),
        np.empty(ticks, bool),
        np.empty(ticks, np.int64),
    )


def _train(
    layout: StateLayout,
    blocks: Float[Array, "assets block"],
    networks: Float[Array, "assets network"],
) -> Float[Array, "assets network"]:
    start = layout.blocks["B"].start
    state = {
        field.name: blocks.T[rows.start - start : rows.stop - start]
        for field in layout.fields
        for rows in (layout.slices[field.name],)
        if field.block == "B"
    }
    return galerkin.train(state, networks.T).T


def _run(  # noqa: PLR0917  (a program takes its arguments by position)
    zero: Float64[Array, ""],
    column: Float[Array, "rows 1"],
    network: Float[Array, "1 network"],
    inputs: Float64[Array, "ticks inputs"],
    due: Bool[Array, " ticks"],
    elapsed_ns: Int[Array, " ticks"],
    *,
    config: PredictorConfig,
) -> tuple[
    Float[Array, "rows 1"],
    Float[Array, "1 network"],
    Float64[Array, "ticks outputs"],
    Int[Array, ""],
]:
    """As many ticks as are active, from the first one on.

    What has elapsed at a refused tick counts for the next one besides; at the last one it is handed
    out. `Input.DT_S` is computed here.
    """
    count = (inputs[:, Input.ACTIVE] > 0.0).sum()
    layout = state_layout(config)
    step = rounded(functools.partial(packed_step, config))
    train = functools.partial(rounded(functools.partial(_train, layout)), zero)

    def tick(run: _Run) -> _Run:
        now, behind_ns, column, network, outputs = run
        passed_ns = elapsed_ns[now] + behind_ns
        given = lax.dynamic_slice_in_dim(inputs, now, 1).T
        given = given.at[Input.DT_S].set(passed_ns * 1e-9)
        column, made = step(zero, column, given, network[:, galerkin.SURFACE].T)
        block = column[layout.blocks["B"]].T
        network = lax.cond(due[now], train, lambda _, kept: kept, block, network)
        outputs = lax.dynamic_update_slice_in_dim(outputs, made.T, now, 0)
        refused = (made[Output.FLAGS, 0].astype(jnp.int32) & int(Flag.DOMAIN_ERROR)) != 0
        return now + 1, jnp.where(refused, passed_ns, 0), column, network, outputs

    nothing = jnp.zeros_like(count)
    begun = nothing, nothing, column, network, jnp.zeros((len(inputs), OUTPUT_ROWS))
    ended = lax.while_loop(lambda run: run[0] < count, tick, begun)
    _, behind_ns, column, network, outputs = ended
    return column, network, outputs, behind_ns
