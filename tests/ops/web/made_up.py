"""Results and flag events with round numbers, as a fleet would publish them."""

from typing import Any

from core import RESULT_FLAGS
from schemas import FlagEvent, FlagState, FlagType, Severity

__all__ = ["START_NS", "flag", "result"]

START_NS = 1_700_000_000_000_000_000


def result(asset: str, sequence: int, *, price: float = 100.0, **changed: Any) -> dict[str, Any]:
    """A result that expects a rise of 1.5: kernel A, weight a quarter, says 6; B does not run."""
    found: dict[str, Any] = {
        "source_topic": "ticks",
        "source_partition": 0,
        "source_offset": sequence,
        "sequence": sequence,
        "asset_id": asset,
        "timestamp_ns": START_NS + sequence * 1_000_000_000,
        "predicted_price": price + 1.5,
        "location": price,
        "scale": 2.0,
        "holder_exponent": 0.5,
        "cusum_drift": 1.0,
        "adaptive_threshold": 5.0,
        "kurtosis": 3.0,
        "free_energy": 0.1,
        "weights": [0.25, 0.25, 0.25, 0.25],
        "kernel_forecasts": [6.0, float("nan"), 0.0, 0.0],
        "mode": "Standard",
        "signature_depth": 3,
        **dict.fromkeys(RESULT_FLAGS, False),
    }
    return found | changed


def flag(
    asset: str,
    number: int,
    *,
    kind: FlagType = FlagType.FROZEN_SIGNAL,
    severity: Severity = Severity.WARNING,
    state: FlagState = FlagState.RAISED,
) -> FlagEvent:
    """One event; `number` makes its identity and its time."""
    return FlagEvent(
        event_id=f"event-{number}",
        type=kind,
        state=state,
        severity=severity,
        source_topic="ticks",
        source_partition=0,
        source_offset=number,
        asset_id=asset,
        timestamp_ns=START_NS + number * 1_000_000_000,
        processing_time_ns=START_NS,
        values={"cusum_drift": 6.0, "dgm_entropy": float("nan")},
    )
