"""From the exponents of all lags to the one that is reported."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.holder.bank import Peak
from core.holder.base_scale import MIN_BLOCKS, Levels, coarse_lags, select_base, zero_increment_lag
from core.holder.coarse import level_peak, update_coarse

__all__ = ["Reading", "read_base"]


class Reading(NamedTuple):
    """The exponent on the base lag (ticks); `doubtful`: its lag may yet turn out too fine."""

    peak: Peak
    base_lag: Float[Array, "1 lanes"]
    doubtful: Bool[Array, "1 lanes"]


def read_base(
    base_scale: Literal["auto"] | int,
    state: Mapping[str, Float[Array, "rows lanes"]],
    increment: Float[Array, "1 lanes"],
    *,
    fine: Peak,
    slow_exponent: Float[Array, "1 lanes"],
    gain: Float[Array, "1 lanes"],
) -> tuple[Reading, dict[str, Float[Array, "rows lanes"]]]:
    """Move the coarse levels on by one tick and choose among all lags.

    Args:
        base_scale: the setting `holder_base_scale`.
        state: the fields of `coarse.coarse_rows`; none when `base_scale` is 1.
        increment: in scale units.
        fine: the exponent at lag 1.
        slow_exponent: the same from the long memory alone, for comparison with coarser lags:
            after a fall it lags behind them, which cannot be mistaken for trading noise.
        gain: of the running share of zero increments.
    """
    coarse = coarse_lags(base_scale)
    if not coarse:
        certain = jnp.zeros_like(increment, dtype=bool)
        return Reading(fine, jnp.ones_like(increment), certain), {}
    fields = settle(
        update_coarse(state, lags=coarse, increment=increment, slow_exponent=slow_exponent)
    )
    is_zero = (increment == 0.0).astype(increment.dtype)
    fields["zero_share"] = state["zero_share"] + gain * (is_zero - state["zero_share"])
    peaks = (fine, *(level_peak(fields, j) for j in range(1, len(coarse) + 1)))
    lags = (1, *coarse)
    if base_scale != "auto":
        fields["base_level"] = jnp.ones_like(increment)
        young = fields["coarse_weight"] < MIN_BLOCKS
        return Reading(peaks[1], jnp.full_like(increment, float(lags[1])), young), fields
    level, doubtful = select_base(
        _levels(peaks, fields),
        lags=lags,
        minimum_lag=zero_increment_lag(fields["zero_share"]),
        previous=state["base_level"],
    )
    level, doubtful = settle((level, doubtful))
    fields["base_level"] = level
    return Reading(*_at_level(level, peaks, lags), doubtful), fields


def _levels(peaks: tuple[Peak, ...], fields: Mapping[str, Float[Array, "rows lanes"]]) -> Levels:
    matched: dict[tuple[int, int], Float[Array, "1 lanes"]] = {}
    for j in range(1, len(peaks)):
        for i in range(j):
            row = (j - 1) * (len(peaks) - 1) + i
            matched[i, j] = fields["coarse_matched"][row : row + 1]
    blocks = tuple(fields["coarse_weight"][j : j + 1] for j in range(len(peaks) - 1))
    return Levels(peaks, blocks, matched)


def _at_level(
    level: Float[Array, "1 lanes"], peaks: tuple[Peak, ...], lags: tuple[int, ...]
) -> tuple[Peak, Float[Array, "1 lanes"]]:
    exponent, error = peaks[0]
    lag = jnp.full_like(level, float(lags[0]))
    for j in range(1, len(lags)):
        here = level == float(j)
        exponent = jnp.where(here, peaks[j].exponent, exponent)
        error = jnp.where(here, peaks[j].standard_error, error)
        lag = jnp.where(here, float(lags[j]), lag)
    return Peak(exponent, error), lag
