"""One tick of one asset: state and tick in, state and result out. Meant for `jax.vmap`."""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.naive.front import Front, guard, look, measure
from benchmarks.naive.galerkin import kolmogorov, train
from benchmarks.naive.kernels import gated, jump_diffusion, projection
from benchmarks.naive.mixture import learn, report
from benchmarks.naive.residuals import Errors, Volatility, follow, unsettled
from benchmarks.naive.roughness import read
from benchmarks.naive.signature import signature
from benchmarks.naive.state import Result, State, Tick
from core.config import PredictorConfig
from core.flags import AVAILABLE_KERNELS, INSTANT_EVENTS, LEVEL_FLAGS, Flag, Kernel, Mode

__all__ = ["step", "untrained"]


def step(config: PredictorConfig, state: State, tick: Tick) -> tuple[State, Result]:
    """A tick, then every `dgm_every` ticks a step of kernel B's training."""
    state, result = _tick(config, state, tick)
    received = state.received + 1
    due = (received % config.dgm_every == 0) & tick.runs[1]
    trained = jax.lax.cond(due, train, lambda same: same, state.galerkin)
    return state._replace(galerkin=trained, received=received), result


def untrained(config: PredictorConfig, state: State, tick: Tick) -> tuple[State, Result]:
    """A tick alone: kernel B forecasts persistence."""
    return _tick(config, state, tick)


def _tick(config: PredictorConfig, state: State, tick: Tick) -> tuple[State, Result]:
    """Score the stored forecast, learn, forecast; a refused tick repeats the last result."""
    still = jnp.maximum(state.guards.run, state.guards.longest_run)
    known = still < config.wtmm_buffer_size / 2
    spread = jnp.where(known, state.result.scale, jnp.inf)
    taken, refused, seen = look(state.front, tick.price, spread)
    window, mean, deviation = measure(state.window, seen.level)
    guards, infrequent, frozen = guard(
        config, state.guards, age_ratio=tick.age_ratio, dt_s=tick.dt_s, moved=seen.moved
    )
    scored = jnp.isfinite(tick.target) & seen.has_unit & ~seen.reanchored
    realised = _residual(tick.target - seen.previous_price, seen.error_scale, scored)
    error = _residual(tick.target - state.result.predicted_price, seen.error_scale, scored)

    past_errors, past_volatility = _counted_anew(state, seen.rescaled)
    errors, drift = follow(config, past_errors, error, scored)
    roughness, holder_exponent, emergency, bank_forecast = read(
        config, state.roughness, seen.increment, infrequent
    )
    volatility, variance, ratio = unsettled(config, past_volatility, error, scored)
    robust = drift.in_grace | guards.degraded | (drift.raw_kurtosis > 15.0) | (ratio > 9.0)
    mode = jnp.where(emergency, Mode.EMERGENCY, jnp.where(robust, Mode.ROBUST, Mode.STANDARD))

    hilbert, forecast_a = projection(
        state.hilbert, seen, mean=mean, deviation=deviation, bank_forecast=bank_forecast
    )
    jumps, forecast_c = jump_diffusion(state.jumps, seen, taken.smallest)
    signatures, forecast_d = signature(
        config, state.signatures, seen.increment, depth=tick.depth, frozen=infrequent
    )
    solution, forecast_b, collapsed, collapse_begins = kolmogorov(
        config,
        state.galerkin,
        seen,
        mean=mean,
        deviation=deviation,
        latent_weight=state.mixture.weights[1],
    )
    raw = jnp.stack([forecast_a, forecast_b, forecast_c, forecast_d])
    gate, forecasts, credit = gated(
        config, state.gate, jnp.where(seen.first, 0.0, raw), realised=realised, scored=scored
    )
    mixture, balanced = learn(
        config,
        state.mixture,
        forecasts,
        realised=realised,
        variance=variance,
        ratio=ratio,
        learning=scored & ~guards.degraded,
        robust=mode > Mode.STANDARD,
        reset=drift.alarm,
    )
    built = jnp.array([kernel in AVAILABLE_KERNELS for kernel in Kernel])
    runs = built & tick.runs
    weights = report(
        mixture.weights,
        credit=jnp.where(drift.alarm, 1.0, credit),
        runs=runs,
        last=state.result.weights,
        frozen=guards.degraded & ~seen.first,
        emergency=emergency,
        collapsed=collapsed,
    )
    price = tick.price + seen.scale * (weights @ forecasts)
    location = taken.anchor + mean
    floor = jnp.maximum(taken.smallest / 4.0, 1e-9 * jnp.abs(tick.price))
    scale = jnp.maximum(jnp.maximum(deviation, floor), 1e-30)
    levels = {
        Flag.EMERGENCY_MODE: emergency,
        Flag.DEGRADED_INFERENCE_MODE: guards.degraded,
        Flag.MODE_COLLAPSE_WARNING: collapsed,
        Flag.KURTOSIS_OUTLIER_WARNING: drift.heavy,
        Flag.FREQUENCY_WARNING: infrequent,
        Flag.FROZEN_SIGNAL: frozen,
        Flag.SINKHORN_CONVERGED: balanced,
        Flag.WARMING_UP: window.filled < config.wtmm_buffer_size,
        Flag.REGIME_CHANGE_DETECTED: drift.alarm,
    }
    instant = {
        Flag.REGIME_CHANGE_DETECTED: drift.alarm,
        Flag.STALENESS_WARNING: guards.degraded & ~state.guards.degraded,
        Flag.MODE_DEGRADATION_ALERT: collapse_begins,
        Flag.NORMAL_OPERATION_RESTORED: state.guards.degraded & ~guards.degraded,
    }
    result = Result(
        predicted_next=(price - location) / scale,
        predicted_price=price,
        location=location,
        scale=scale,
        holder_exponent=holder_exponent,
        cusum_drift=drift.g_plus,
        distance_to_collapse=drift.threshold - drift.g_plus,
        free_energy=mixture.energy,
        kurtosis=drift.raw_kurtosis,
        dgm_entropy=jnp.where(runs[1], state.galerkin.trained.entropy, jnp.nan),
        adaptive_threshold=drift.threshold,
        weights=weights,
        forecasts=jnp.where(runs, forecasts * seen.scale, jnp.nan),
        flags=_bits(levels),
        mode=mode,
        kernel_mask=_bits(dict(zip(Kernel, runs, strict=True))),
        raised=jnp.zeros((), int),
        cleared=jnp.zeros((), int),
        instant=_bits(instant),
    )
    new = State(
        front=taken,
        window=window,
        guards=guards,
        errors=errors,
        volatility=volatility,
        roughness=roughness,
        hilbert=hilbert,
        galerkin=solution,
        jumps=jumps,
        signatures=signatures,
        gate=gate,
        mixture=mixture,
        result=result,
        received=state.received,
    )
    return _settle(state, new, refused=refused, accepted=seen.accepted)


def _counted_anew(state: State, rescaled: Array) -> tuple[Errors, Volatility]:
    """The errors so far count for nothing where they were in a wrong scale."""
    errors, volatility = state.errors, state.volatility
    none = errors._replace(learned=0 * errors.learned, filled=0 * errors.filled)
    none = none._replace(channels=0 * errors.channels)
    zero = volatility._replace(errors=0 * volatility.errors)
    choose = functools.partial(jax.tree.map, functools.partial(jnp.where, rescaled))
    return choose(none, errors), choose(zero, volatility)


def _settle(old: State, new: State, *, refused: Front, accepted: Array) -> tuple[State, Result]:
    """Keep the new state where the tick was accepted; mark and repeat the old result elsewhere."""
    before = old.result
    repeated = (before.flags & ~int(Flag.REGIME_CHANGE_DETECTED)) | int(Flag.DOMAIN_ERROR)
    kept = old._replace(
        front=refused, result=before._replace(flags=repeated, instant=jnp.zeros((), int))
    )
    state = jax.tree.map(lambda a, b: jnp.where(accepted, a, b), new, kept)
    flags = state.result.flags
    state = state._replace(
        result=state.result._replace(
            raised=flags & ~before.flags & int(LEVEL_FLAGS),
            cleared=before.flags & ~flags & int(LEVEL_FLAGS),
            instant=state.result.instant & int(INSTANT_EVENTS),
        )
    )
    return state, state.result


def _residual(difference: Array, scale: Array, scored: Array) -> Array:
    return jnp.where(scored, jnp.clip(difference / scale, -1e6, 1e6), 0.0)


def _bits(flags: dict[Flag, Array] | dict[Kernel, Array]) -> Array:
    total = jnp.zeros((), int)
    for flag, holds in flags.items():
        total = total + jnp.where(holds, int(flag), 0)
    return total
