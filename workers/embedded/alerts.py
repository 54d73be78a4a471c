"""Alerts of one asset (specification section 12), from the difference of two results.

The fleet's flag events are made of packed outputs (`workers.emission.flag_events`); this is
the same table of types and severities for a predictor that is embedded in a program.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

import structlog

from core import INSTANT_EVENTS, LEVEL_FLAGS, RESULT_FLAGS, Flag, PredictionResult
from schemas import FlagState, FlagType, Severity
from workers.emission.flag_events import FLAG_TYPES

__all__ = ["Alert", "alerts", "log_alert"]

_log = structlog.get_logger()
_held = attrgetter(*RESULT_FLAGS)
_MOMENTARY = [name for name, flag in RESULT_FLAGS.items() if flag in INSTANT_EVENTS]
_EXPLAINING = ("holder_exponent", "cusum_drift", "adaptive_threshold", "kurtosis", "dgm_entropy")


@dataclass(frozen=True, slots=True)
class Alert:
    """An edge of a flag, or an event of one tick.

    Attributes:
        type: what happened.
        state: raised, cleared, or instant.
        severity: as in the fleet's flag events.
        asset_id: whose.
        timestamp_ns: of the tick.
        values: telemetry of the result that explains it.
    """

    type: FlagType
    state: FlagState
    severity: Severity
    asset_id: str
    timestamp_ns: int
    values: Mapping[str, float]


def alerts(
    before: PredictionResult | None,
    after: PredictionResult,
    *,
    asset_id: str,
    timestamp_ns: int,
) -> Iterator[Alert]:
    """What changed between two successive results, in the order of the flags' bits."""
    # Nothing, at most ticks: flags are then not even put together.
    happened = any(getattr(after, name) for name in _MOMENTARY)
    if before is not None and not happened and _held(before) == _held(after):
        return
    old, new = _flags(before), _flags(after)
    edges = {
        FlagState.RAISED: new & ~old & LEVEL_FLAGS,
        FlagState.CLEARED: old & ~new & LEVEL_FLAGS,
        FlagState.INSTANT: _instant(old, new),
    }
    values = {name: float(getattr(after, name)) for name in _EXPLAINING}
    for state, flags in edges.items():
        for bit, (kind, severity) in FLAG_TYPES.items():
            if flags & bit:
                yield Alert(kind, state, severity, asset_id, timestamp_ns, values)


def log_alert(alert: Alert) -> None:
    """One log line, at the alert's severity; the end of a condition is information."""
    cleared = alert.state is FlagState.CLEARED
    level = "info" if cleared else alert.severity.value.lower()
    getattr(_log, level)(
        "alert",
        alert=alert.type.value,
        state=alert.state.value,
        asset_id=alert.asset_id,
        timestamp_ns=alert.timestamp_ns,
        **alert.values,
    )


def _flags(result: PredictionResult | None) -> Flag:
    flags = Flag(0)
    for name, flag in RESULT_FLAGS.items():
        if result is not None and getattr(result, name):
            flags |= flag
    return flags


def _instant(old: Flag, new: Flag) -> Flag:
    """Those a result carries, and the edges that have a name of their own."""
    instant = new & INSTANT_EVENTS
    degraded, collapsed = Flag.DEGRADED_INFERENCE_MODE, Flag.MODE_COLLAPSE_WARNING
    if degraded in new and degraded not in old:
        instant |= Flag.STALENESS_WARNING
    if degraded in old and degraded not in new:
        instant |= Flag.NORMAL_OPERATION_RESTORED
    if collapsed in new and collapsed not in old:
        instant |= Flag.MODE_DEGRADATION_ALERT
    return instant
