"""The phases of a tick: observe it, detect what it reveals, forecast the next one.

Each takes the state before the tick and returns its components' new fields and what the later
phases need. None of them sees another's new fields: they are handed outputs.
"""

from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, DTypeLike, Float

from core import cusum, guards, holder, increments, kurtosis, levels, volatility
from core.barrier import settle
from core.config import PredictorConfig
from core.guards import Guards
from core.increments import Increments
from core.kernels import galerkin, gate, hilbert, jump_diffusion, signature
from core.kernels.gate import Gated
from core.layout import State
from core.levels import Levels
from core.modes import operating_mode
from core.packed import Input
from core.split import as_kept, join
from core.volatility import Volatility

__all__ = ["Ahead", "Detected", "Observed", "Rows", "detect", "forecast", "observe"]

_RESIDUAL_BOUND = 1e6
"""Scale units; a target from another world must not overflow float32."""

Tree = TypeVar("Tree")
Rows = dict[str, Float[Array, "rows lanes"]]


class Observed(NamedTuple):
    """A tick, and how the forecast stored before it did.

    Attributes:
        tick: the front end's outputs.
        levels: location and spread.
        guards: degraded, infrequent, frozen.
        depth: signature depth that kernel D forecasts with.
        scored: there is a target, a forecast of it, and a unit to judge it in.
        realised: (target - y_{t-1}) / s_{t-1}, what the kernels forecast; see
            `Increments.error_scale`.
        error: (target - forecast price) / s_{t-1}.
    """

    tick: Increments
    levels: Levels
    guards: Guards
    depth: Float[Array, "1 lanes"]
    scored: Bool[Array, "1 lanes"]
    realised: Float[Array, "1 lanes"]
    error: Float[Array, "1 lanes"]


class Detected(NamedTuple):
    """What the detectors say after a tick. See their modules."""

    tails: kurtosis.Tails
    drift: cusum.RegimeDrift
    regularity: holder.HolderOutput
    volatility: Volatility
    mode: Float[Array, "1 lanes"]


class Ahead(NamedTuple):
    """What the kernels say of the next tick.

    Attributes:
        gated: forecasts of r_{t+1}, kernels A to D.
        dgm_entropy: of kernel B's solution, nats.
        collapse: whether it has collapsed.
    """

    gated: Gated
    dgm_entropy: Float[Array, "1 lanes"]
    collapse: galerkin.Collapse


def observe(
    config: PredictorConfig, state: State, inputs: Float[Array, "inputs lanes"]
) -> tuple[Rows, Observed]:
    """Front end, window and guards; then score the stored forecast (predictor.md, section 1)."""
    new, tick = settle(
        increments.update(
            config, state, _row(inputs, Input.PRICE), spread=_known_spread(config, state)
        )
    )
    guard_fields, guard = settle(
        guards.update(
            config,
            state,
            age_ratio=_row(inputs, Input.AGE_RATIO),
            dt_s=_row(inputs, Input.DT_S),
            moved=tick.moved,
        )
    )
    window_fields, window = settle(
        levels.update(config, state, tick.level, run=guard_fields["guards.run"])
    )
    target = as_kept(_row(inputs, Input.TARGET), tick.increment.dtype)
    scored = jnp.isfinite(target) & tick.scaled & ~tick.reanchored
    predicted = join(state["result.price_hi"], state["result.price_lo"])
    observed = Observed(
        tick=tick,
        levels=window,
        guards=guard,
        depth=signature.allowed_depth(config, _row(inputs, Input.DEPTH)),
        scored=scored,
        realised=_residual(target - tick.previous_price, tick, scored),
        error=_residual(target - predicted, tick, scored),
    )
    return new | window_fields | guard_fields, observed


def _known_spread(config: PredictorConfig, state: State) -> Float[Array, "1 lanes"]:
    """The window's spread before the tick; infinite if the price stands still for half of one."""
    still = jnp.maximum(state["guards.run"], state["guards.longest_run"])
    spread = state["result.scale"].astype(jnp.float64)
    return jnp.where(2.0 * still >= config.wtmm_buffer_size, jnp.inf, spread)


def detect(config: PredictorConfig, state: State, seen: Observed) -> tuple[Rows, Detected]:
    """Kurtosis, CUSUM, Hölder exponent and volatility, and the mode they put the asset in."""
    state = _without_errors(state, seen.tick.rescaled)
    error = seen.error
    if config.cusum_threshold == "literal":
        # Its threshold is in units of the price, and so must be what it is compared with.
        error = error * seen.tick.error_scale.astype(error.dtype)
    new, tails = settle(kurtosis.update(config, state, error, seen.scored))
    fields, drift = settle(cusum.update(config, state, error, tails.kurtosis, seen.scored))
    new |= fields
    fields, regularity = settle(
        _narrowed(
            holder.update(config, state, seen.tick.increment, sparse=seen.guards.infrequent),
            seen.error.dtype,
        )
    )
    new |= fields
    fields, unsettled = settle(
        volatility.update(config, state, error=seen.error, scored=seen.scored)
    )
    new |= fields
    mode = operating_mode(
        emergency=regularity.emergency,
        in_grace=drift.in_grace,
        degraded=seen.guards.degraded,
        kurtosis=tails.raw_kurtosis,
        variance_ratio=unsettled.ratio,
    )
    return new, Detected(tails, drift, regularity, unsettled, mode)


def _without_errors(state: State, rescaled: Bool[Array, "1 lanes"]) -> State:
    """The errors so far were in a scale that was wrong: those to come are no change, nor heavy."""
    counts = ("kurtosis.filled", "cusum.errors", "cusum.channels", "volatility.errors")
    return {**state, **{name: jnp.where(rescaled, 0.0, state[name]) for name in counts}}


def forecast(
    config: PredictorConfig,
    state: State,
    seen: Observed,
    found: Detected,
    surface: galerkin.Surface,
) -> tuple[Rows, Ahead]:
    """Let the kernels learn and forecast r_{t+1}, then gate."""
    new, hilbert_forecast = settle(
        hilbert.update(
            config,
            state,
            increment=seen.tick.increment,
            levels=seen.levels,
            level=seen.tick.level,
            long_memory_forecast=found.regularity.long_memory_forecast,
            first=seen.tick.first,
        )
    )
    fields, jump_forecast = settle(jump_diffusion.update(config, state, seen.tick))
    new |= fields
    fields, signature_forecast = settle(
        signature.update(
            config,
            state,
            increment=seen.tick.increment,
            depth=seen.depth,
            frozen=seen.guards.infrequent,
        )
    )
    new |= fields
    fields, solution = settle(
        galerkin.update(config, state, tick=seen.tick, levels=seen.levels, surface=surface)
    )
    new |= fields
    raw = jnp.concatenate([hilbert_forecast, solution.forecast, jump_forecast, signature_forecast])
    fields, gated = settle(
        gate.update(
            config,
            state,
            raw_forecasts=jnp.where(seen.tick.first, 0.0, raw),
            realised=seen.realised,
            scored=seen.scored,
        )
    )
    return new | fields, Ahead(gated, solution.entropy, solution.collapse)


def _narrowed(tree: Tree, dtype: DTypeLike) -> Tree:
    """Floating values in the state's dtype: the filter bank's tables are float64 scalars, and
    under x64 those widen what they meet."""
    narrowed: Tree = jax.tree.map(
        lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree
    )
    return narrowed


def _row(inputs: Float[Array, "inputs lanes"], row: Input) -> Float[Array, "1 lanes"]:
    return inputs[row : row + 1]


def _residual(
    difference: Float[Array, "1 lanes"], tick: Increments, scored: Bool[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """A difference of prices in the scale that held when the forecast was made; 0 if unscored."""
    ratio = jnp.where(scored, difference / tick.error_scale, 0.0)
    return jnp.clip(ratio, -_RESIDUAL_BOUND, _RESIDUAL_BOUND).astype(tick.increment.dtype)
