"""Flag events from a micro-batch's outputs: edges only, never one per tick."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from core import AVAILABLE_KERNELS, Flag, Output
from schemas import (
    FlagEvent,
    FlagState,
    FlagType,
    ResultColumns,
    Severity,
    flag_event_id,
)
from workers.batching.decisions import Decision
from workers.batching.shedding import depth_ladder
from workers.batching.spans import JournalSpan

__all__ = ["FLAG_TYPES", "SHEDDING_SEVERITY", "flag_events", "shedding_event"]

# Bits as plain numbers: an enumeration's `&` costs a microsecond.
FLAG_TYPES: Final = {
    int(Flag.EMERGENCY_MODE): (FlagType.EMERGENCY_MODE, Severity.CRITICAL),
    int(Flag.DEGRADED_INFERENCE_MODE): (FlagType.DEGRADED_INFERENCE_MODE, Severity.WARNING),
    int(Flag.MODE_COLLAPSE_WARNING): (FlagType.MODE_COLLAPSE_WARNING, Severity.WARNING),
    int(Flag.KURTOSIS_OUTLIER_WARNING): (FlagType.KURTOSIS_OUTLIER_WARNING, Severity.WARNING),
    int(Flag.FREQUENCY_WARNING): (FlagType.FREQUENCY_WARNING, Severity.INFO),
    int(Flag.FROZEN_SIGNAL): (FlagType.FROZEN_SIGNAL, Severity.WARNING),
    int(Flag.DOMAIN_ERROR): (FlagType.DOMAIN_ERROR, Severity.WARNING),
    int(Flag.REGIME_CHANGE_DETECTED): (FlagType.REGIME_CHANGE_DETECTED, Severity.CRITICAL),
    int(Flag.NORMAL_OPERATION_RESTORED): (FlagType.NORMAL_OPERATION_RESTORED, Severity.INFO),
    int(Flag.STALENESS_WARNING): (FlagType.STALENESS_WARNING, Severity.WARNING),
    int(Flag.MODE_DEGRADATION_ALERT): (FlagType.MODE_DEGRADATION_ALERT, Severity.WARNING),
}
SHEDDING_SEVERITY: Final = {
    FlagState.RAISED: Severity.WARNING,
    FlagState.CLEARED: Severity.INFO,
}
_EDGES: Final = (
    (Output.RAISED, FlagState.RAISED),
    (Output.CLEARED, FlagState.CLEARED),
    (Output.INSTANT, FlagState.INSTANT),
)
_EXPLAINING: Final = (
    Output.HOLDER_EXPONENT,
    Output.CUSUM_DRIFT,
    Output.ADAPTIVE_THRESHOLD,
    Output.KURTOSIS,
    Output.FREE_ENERGY,
    Output.PREDICTED_PRICE,
    Output.SCALE,
)
_VALUE_NAMES: Final = [row.name.lower() for row in _EXPLAINING]
_VALUE_ROWS: Final = [int(row) for row in _EXPLAINING]


def flag_events(results: ResultColumns) -> Iterator[FlagEvent]:
    """The events of a batch of results, in result order; per result in bit order."""
    edges = results.outputs[:, [row for row, _ in _EDGES]]
    for i in np.flatnonzero(edges.any(axis=1)).tolist():
        for (_, state), bits in zip(_EDGES, edges[i].astype(np.int64).tolist(), strict=True):
            for bit, (kind, severity) in FLAG_TYPES.items():
                if bits & bit:
                    yield _event(results, i, kind=kind, state=state, severity=severity)


def shedding_event(span: JournalSpan, source_topic: str, max_depth: int) -> FlagEvent | None:
    """LoadShedding raised or cleared, where this span's decision differs from the one before."""
    shed = _sheds(span.decision, max_depth)
    if shed == (span.previous is not None and _sheds(span.previous, max_depth)):
        return None
    state = FlagState.RAISED if shed else FlagState.CLEARED
    kind = FlagType.LOAD_SHEDDING
    decided_ns = max(span.decision.processing_time_ns, 0)
    number, offset = span.partition.number, span.from_offset
    return FlagEvent(
        event_id=flag_event_id(source_topic, number, offset, type=kind, state=state),
        type=kind,
        state=state,
        severity=SHEDDING_SEVERITY[state],
        source_topic=source_topic,
        source_partition=number,
        source_offset=offset,
        asset_id="",
        timestamp_ns=decided_ns,
        processing_time_ns=decided_ns,
        values={
            "signature_depth": float(span.decision.depth),
            "kernel_mask": float(span.decision.kernel_mask),
        },
    )


def _sheds(decision: Decision, max_depth: int) -> bool:
    at_rest = depth_ladder(max_depth)[-1]
    return decision.depth < at_rest or decision.kernel_mask != AVAILABLE_KERNELS


def _event(
    results: ResultColumns, i: int, *, kind: FlagType, state: FlagState, severity: Severity
) -> FlagEvent:
    partition, offset = int(results.source_partition[i]), int(results.source_offset[i])
    return FlagEvent(
        event_id=flag_event_id(results.source_topic, partition, offset, type=kind, state=state),
        type=kind,
        state=state,
        severity=severity,
        source_topic=results.source_topic,
        source_partition=partition,
        source_offset=offset,
        asset_id=results.asset_id[i].decode(),
        timestamp_ns=int(results.timestamp_ns[i]),
        processing_time_ns=int(results.processing_time_ns[i]),
        values=dict(zip(_VALUE_NAMES, results.outputs[i, _VALUE_ROWS].tolist(), strict=True)),
    )
