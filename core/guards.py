"""Flags that say how far to trust the feed: staleness, infrequent arrivals, a frozen price."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.config import PredictorConfig
from core.layout import Field, State
from core.logarithm import log

__all__ = ["Guards", "fields", "update"]

_LOG_ALARM = math.log(1e-12)
"""Probability, under the asset's own share of zero increments, of a run that raises the flag."""
_LEAST_SHARE = 0.05
_RUN_GAIN = 1.0 / 64.0
_RECORD_MARGIN = 1.5
_RECORD_DECAY = 0.5 ** (1.0 / 500.0)
_LONGEST_RUN = 2.0**20
_DENSE_RUN = 64.0
"""Ticks in time after which arrivals count as frequent again."""


class Guards(NamedTuple):
    """Each [1, lanes].

    Attributes:
        degraded: the tick is stale, or was lately and its age has not recovered yet.
        infrequent: a tick came later after the accepted one before it than the Nyquist interval,
            now or among the last 64. Arrivals are bursty: judged tick by tick, an asset near the
            limit would raise and clear its warning all the time.
        frozen: the price has stood still for longer than this asset's own habit explains.
    """

    degraded: Bool[Array, "1 lanes"]
    infrequent: Bool[Array, "1 lanes"]
    frozen: Bool[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """Degraded or not, and the statistics of runs of equal prices."""
    del config
    return (
        Field("guards.degraded", "global", 1, 0.0),
        Field("guards.run", "global", 1, 0.0),
        Field("guards.runs_seen", "global", 1, 1.0),
        # One fictitious run, of one zero increment: what an asset without history starts from.
        Field("guards.mean_run", "global", 1, 1.0),
        Field("guards.longest_run", "global", 1, 0.0),
        Field("guards.dense_run", "global", 1, _DENSE_RUN),
    )


def update(
    config: PredictorConfig,
    state: State,
    *,
    age_ratio: Float[Array, "1 lanes"],
    dt_s: Float[Array, "1 lanes"],
    moved: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Guards]:
    """Advance the three rules by one accepted tick.

    Degraded enters above the TTL and leaves below `inference_recovery_hysteresis` of it
    (specification section 11.1). Equal or reordered timestamps (dt <= 0) are not late.
    """
    dtype = state["guards.run"].dtype
    was_degraded = state["guards.degraded"] > 0.0
    limit = jnp.where(was_degraded, config.inference_recovery_hysteresis, 1.0)
    degraded = jnp.where(was_degraded, age_ratio >= limit, age_ratio > limit)
    runs, frozen = _update_runs(state, moved)
    late = dt_s > config.besov_nyquist_interval_ns * 1e-9
    dense_run = jnp.where(late, 0.0, jnp.minimum(state["guards.dense_run"] + 1.0, _DENSE_RUN))
    new = {
        "guards.degraded": degraded.astype(dtype),
        "guards.dense_run": dense_run.astype(dtype),
    } | runs
    return new, Guards(degraded=degraded, infrequent=dense_run < _DENSE_RUN, frozen=frozen)


def _update_runs(
    state: State, moved: Bool[Array, "1 lanes"]
) -> tuple[dict[str, Float[Array, "rows lanes"]], Bool[Array, "1 lanes"]]:
    """Count equal prices; a run is learned from only when it ends, so freezing stays unusual.

    A geometric run of zeros with share p exceeds L with probability p^L. Trades cluster, so the
    longest run seen (half-life 500 changes) with a margin must be exceeded as well.
    """
    run, mean, longest = state["guards.run"], state["guards.mean_run"], state["guards.longest_run"]
    share = jnp.maximum(mean / (1.0 + mean), _LEAST_SHARE)
    likely = jnp.maximum(_LOG_ALARM / log(share), _RECORD_MARGIN * longest)
    now = jnp.where(moved, 0.0, jnp.minimum(run + 1.0, _LONGEST_RUN))
    seen = jnp.minimum(state["guards.runs_seen"] + 1.0, 1.0 / _RUN_GAIN)
    new = {
        "guards.run": now,
        "guards.runs_seen": jnp.where(moved, seen, state["guards.runs_seen"]),
        "guards.mean_run": jnp.where(moved, mean + (run - mean) / seen, mean),
        "guards.longest_run": jnp.where(moved, jnp.maximum(run, _RECORD_DECAY * longest), longest),
    }
    return new, now > likely
