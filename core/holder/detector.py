"""One tick of system identification: the Hölder exponent, its error, and the emergency flag."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.holder.bank import FILTERS, Peak, locate_peak, posterior_forecast, predict, push
from core.holder.base_scale import coarse_lags
from core.holder.coarse import coarse_rows
from core.holder.emergency import EmergencyState, next_emergency
from core.holder.ladder import ladder
from core.holder.reading import read_base
from core.holder.wavelet import read_wavelet, wavelet_rows
from core.increments import OUTLIER_SCALES
from core.layout import Field, State

__all__ = ["FINE_ORDER", "HolderOutput", "fields", "fuse_memories", "update"]

FINE_ORDER = 32
_PREFIX = "holder."
_LONG_FORGETTING = 0.5 ** (1.0 / 512.0)
_SHORT_FORGETTING = 0.5 ** (1.0 / 64.0)
_SETTLED_WEIGHT = (1.0 - _LONG_FORGETTING**512) / (1.0 - _LONG_FORGETTING)
"""The long memory's weight after 512 ticks: before that the coarse levels cannot object yet."""
_INCREMENT_BOUND = 6.0
"""Scale units. A crash is one tick's news for the bank, not the next 512 ticks' roughness."""
_AGREE, _DISAGREE = 6.0, 14.0
"""Squared standard errors between the memories below which the long one, above which the short
one is reported; between them the weight moves linearly, so that H has no jumps."""


class HolderOutput(NamedTuple):
    """What this tick says about the path's roughness. Each [1, lanes].

    Attributes:
        holder_exponent: H_t, in [0, 1].
        standard_error: of H_t, one sigma.
        long_memory_forecast: the lag-1 bank's forecast of the next increment, scale units.
        emergency: the flag emergency_mode after this tick.
        base_lag: the lag the bank's exponent was read on, in ticks.
    """

    holder_exponent: Float[Array, "1 lanes"]
    standard_error: Float[Array, "1 lanes"]
    long_memory_forecast: Float[Array, "1 lanes"]
    emergency: Bool[Array, "1 lanes"]
    base_lag: Float[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The bank at lag 1, the coarse levels where the base scale asks for them, the maxima lines
    where the estimator does, and the flag."""
    rows = {
        "past": (_past_rows(config), 0.0),
        "predictions": (FILTERS, 0.0),
        "long_losses": (FILTERS, 0.0),
        "short_losses": (FILTERS, 0.0),
        "long_weight": (1, 0.0),
        "short_weight": (1, 0.0),
        "emergency": (1, 0.0),
        "emergency_held": (1, 0.0),
    }
    levels = len(coarse_lags(config.holder_base_scale))
    rows |= coarse_rows(levels) if levels else {}
    rows |= wavelet_rows(config)
    return tuple(
        Field(f"{_PREFIX}{name}", "global", size, initial) for name, (size, initial) in rows.items()
    )


def _past_rows(config: PredictorConfig) -> int:
    if config.holder_estimator == "bank":
        return FINE_ORDER
    return max(FINE_ORDER, int(ladder(config.besov_cone_c).filters.shape[1]))


def fuse_memories(long: Peak, short: Peak) -> Peak:
    """The long memory's exponent, unless the short one contradicts it significantly.

    The short window is part of the long one, so the variance of their difference is the
    difference of their variances (Hausman 1978); a floor keeps it positive while both are young.
    """
    variance = jnp.square(short.standard_error) - jnp.square(long.standard_error)
    difference = short.exponent - long.exponent
    conflict = jnp.square(difference) / jnp.maximum(variance, 0.02**2)
    share = jnp.clip((conflict - _AGREE) / (_DISAGREE - _AGREE), 0.0, 1.0)
    error = long.standard_error + share * (short.standard_error - long.standard_error)
    return Peak(long.exponent + share * difference, error)


def update(
    config: PredictorConfig,
    state: State,
    increment: Float[Array, "1 lanes"],
    *,
    sparse: Bool[Array, "1 lanes"] | None = None,
) -> tuple[dict[str, Float[Array, "rows lanes"]], HolderOutput]:
    """Score the bank and move the maxima lines on, and read the exponent off them.

    Args:
        config: hyperparameters.
        state: before the tick.
        increment: in scale units, finite.
        sparse: ticks came too far apart lately: the wavelet readout is frozen; None: never.
    """
    own = {n.removeprefix(_PREFIX): v for n, v in state.items() if n.startswith(_PREFIX)}
    newest = jnp.clip(increment, -_INCREMENT_BOUND, _INCREMENT_BOUND)
    past = push(own["past"], jnp.clip(increment, -OUTLIER_SCALES, OUTLIER_SCALES))
    new, long, fine = _score_bank(own, newest, past)
    reading, coarse_fields = read_base(
        config.holder_base_scale,
        own,
        newest,
        fine=fine,
        slow_exponent=long.exponent,
        gain=1.0 / new["long_weight"],
    )
    wavelet_fields, wavelet = settle(
        read_wavelet(
            config,
            own,
            past,
            reading=reading,
            sparse=jnp.zeros_like(increment, dtype=bool) if sparse is None else sparse,
        )
    )
    settled = new["long_weight"] >= _SETTLED_WEIGHT
    held, emergency = next_emergency(
        EmergencyState(own["emergency"], own["emergency_held"]),
        wavelet.reading.peak,
        threshold=config.holder_threshold,
        may_enter=settled & ~wavelet.reading.doubtful,
        singular=wavelet.singular & settled,
    )
    new |= coarse_fields | wavelet_fields
    new |= {"past": past, "emergency": held.active, "emergency_held": held.held_ticks}
    return {_PREFIX + name: rows for name, rows in new.items()}, HolderOutput(
        holder_exponent=wavelet.reading.peak.exponent,
        standard_error=wavelet.reading.peak.standard_error,
        long_memory_forecast=posterior_forecast(new["predictions"], fine),
        emergency=emergency,
        base_lag=wavelet.reading.base_lag,
    )


def _score_bank(
    own: State, newest: Float[Array, "1 lanes"], past: Float[Array, "rows lanes"]
) -> tuple[dict[str, Float[Array, "rows lanes"]], Peak, Peak]:
    """The lag-1 bank after this tick: its fields, the long memory's exponent, the fused one."""
    scored = jnp.square(newest - own["predictions"])
    bounded = jnp.clip(past[:FINE_ORDER], -_INCREMENT_BOUND, _INCREMENT_BOUND)
    new = settle(
        {
            "long_losses": _LONG_FORGETTING * own["long_losses"] + scored,
            "short_losses": _SHORT_FORGETTING * own["short_losses"] + scored,
            "long_weight": _LONG_FORGETTING * own["long_weight"] + 1.0,
            "short_weight": _SHORT_FORGETTING * own["short_weight"] + 1.0,
            "predictions": predict(bounded),
        }
    )
    long = locate_peak(new["long_losses"], new["long_weight"], forgetting=_LONG_FORGETTING)
    short = locate_peak(new["short_losses"], new["short_weight"], forgetting=_SHORT_FORGETTING)
    long, fine = settle((long, fuse_memories(long, short)))
    return new, long, fine
