"""What a tick's result says: forecast price, reported weights, flags and mode."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.config import PredictorConfig
from core.flags import Flag
from core.layout import State
from core.modes import flag_bits
from core.orchestrator import Orchestrated
from core.phases import Ahead, Detected, Observed, Rows
from core.split import split
from core.weights import kernel_bits, kernel_mask, reported_weights

__all__ = ["result_fields"]


class _Forecast(NamedTuple):
    price: Float[Array, "1 lanes"]
    location: Float[Array, "1 lanes"]
    scale: Float[Array, "1 lanes"]


def result_fields(
    config: PredictorConfig,
    state: State,
    inputs: Float[Array, "inputs lanes"],
    *,
    seen: Observed,
    found: Detected,
    ahead: Ahead,
    mixture: Orchestrated,
) -> tuple[Rows, Float[Array, "1 lanes"]]:
    """The stored result of an accepted tick, and its instant events."""
    mask = kernel_mask(inputs)
    weights = reported_weights(
        mixture.weights,
        credit=jnp.where(found.drift.alarm, 1.0, ahead.gated.credit),
        mask=mask,
        last=state["result.weights"],
        frozen=seen.guards.degraded & ~seen.tick.first,
        emergency=found.regularity.emergency,
        collapsed=ahead.collapse.collapsed,
    )
    expected = _forecast_price(weights, ahead.gated.forecasts, seen)
    dtype = weights.dtype
    plain = {
        "predicted_next": (expected.price - expected.location) / expected.scale,
        "scale": expected.scale,
        "holder_exponent": found.regularity.holder_exponent,
        "cusum_drift": found.drift.g_plus,
        "distance_to_collapse": found.drift.distance,
        "free_energy": mixture.free_energy,
        "kurtosis": found.tails.raw_kurtosis,
        "dgm_entropy": jnp.where(mask[1:2], ahead.dgm_entropy, jnp.nan),
        "adaptive_threshold": found.drift.threshold,
        "mode": found.mode,
        "signature_depth": seen.depth,
        "kernel_mask": kernel_bits(mask),
        "weights": weights,
        "forecasts": ahead.gated.forecasts * seen.tick.scale,
        "flags": flag_bits(_flags(config, seen, found, ahead, mixture), dtype),
    }
    new = {f"result.{name}": value.astype(dtype) for name, value in plain.items()}
    new["result.price_hi"], new["result.price_lo"] = split(expected.price, dtype)
    new["result.location_hi"], new["result.location_lo"] = split(expected.location, dtype)
    return new, _instant_bits(state, seen, found, ahead)


def _forecast_price(
    weights: Float[Array, "4 lanes"], forecasts: Float[Array, "4 lanes"], seen: Observed
) -> _Forecast:
    """y_t + s_t sum(w f), beside location and floored scale of the window that includes y_t."""
    terms = weights * forecasts
    mixed = terms[0:1] + terms[1:2] + terms[2:3] + terms[3:4]
    tick = seen.tick
    floor = jnp.maximum(0.25 * tick.smallest_move, 1e-9 * jnp.abs(tick.price))
    return _Forecast(
        price=tick.price + tick.scale * mixed.astype(jnp.float64),
        location=tick.anchor + seen.levels.mean.astype(jnp.float64),
        scale=jnp.maximum(jnp.maximum(seen.levels.deviation.astype(jnp.float64), floor), 1e-30),
    )


def _flags(
    config: PredictorConfig,
    seen: Observed,
    found: Detected,
    ahead: Ahead,
    mixture: Orchestrated,
) -> dict[Flag, Bool[Array, "1 lanes"]]:
    return {
        Flag.EMERGENCY_MODE: found.regularity.emergency,
        Flag.DEGRADED_INFERENCE_MODE: seen.guards.degraded,
        Flag.MODE_COLLAPSE_WARNING: ahead.collapse.collapsed,
        Flag.KURTOSIS_OUTLIER_WARNING: found.tails.warning,
        Flag.FREQUENCY_WARNING: seen.guards.infrequent,
        Flag.FROZEN_SIGNAL: seen.guards.frozen,
        Flag.SINKHORN_CONVERGED: mixture.converged,
        Flag.WARMING_UP: seen.levels.filled < float(config.wtmm_buffer_size),
        # Only ever seen beside the instant event, so that a repeated result does not repeat it.
        Flag.REGIME_CHANGE_DETECTED: found.drift.alarm,
    }


def _instant_bits(
    state: State, seen: Observed, found: Detected, ahead: Ahead
) -> Float[Array, "1 lanes"]:
    degraded, was = seen.guards.degraded, state["guards.degraded"] > 0.0
    events = {
        Flag.REGIME_CHANGE_DETECTED: found.drift.alarm,
        Flag.STALENESS_WARNING: degraded & ~was,
        Flag.MODE_DEGRADATION_ALERT: ahead.collapse.began,
        Flag.NORMAL_OPERATION_RESTORED: was & ~degraded,
    }
    return flag_bits(events, state["guards.degraded"].dtype)
