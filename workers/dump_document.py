"""What a dump at the rise of EmergencyMode holds (specification section 12.3)."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core import PredictionResult

__all__ = ["REMEMBERED_RESULTS", "emergency_document"]

REMEMBERED_RESULTS: Final = 256
"""Ticks whose CUSUM values a dump holds at most."""
_TELEMETRY = ("kurtosis", "dgm_entropy", "adaptive_threshold", "distance_to_collapse")


def emergency_document(
    result: PredictionResult,
    rows: Float[ndarray, " rows"],
    slices: Mapping[str, slice],
    *,
    asset_id: str,
    timestamp_ns: int,
    drift: Iterable[tuple[float, float]],
) -> dict[str, object]:
    """The document, plain data under the specification's names.

    Args:
        result: of the tick at which the mode rose.
        rows: the asset's packed state.
        slices: where each of its parts lies in `rows`.
        asset_id: whose.
        timestamp_ns: of the tick.
        drift: CUSUM's value and threshold over the ticks before, oldest first.
    """
    return {
        "emergency_timestamp": timestamp_ns,
        "asset_id": asset_id,
        "holder_exponent": result.holder_exponent,
        "weights": list(result.weights),
        "signal_buffer": [float(price) for price in _window(rows, slices)],
        "regime_history": [list(pair) for pair in drift],
        "telemetry_snapshot": {name: float(getattr(result, name)) for name in _TELEMETRY},
        "flags_at_emergency": {
            "degraded_inference": result.degraded_inference_mode,
            "regime_change": result.regime_change_detected,
            "mode_collapse": result.mode_collapse_warning,
        },
    }


def _window(rows: Float[ndarray, " rows"], slices: Mapping[str, slice]) -> np.ndarray:
    """The window of prices, oldest first."""
    ring, phase, filled, anchor_hi, anchor_lo = (
        rows[slices[name]].astype(np.float64)
        for name in (
            "levels.ring",
            "levels.phase",
            "levels.filled",
            "increments.anchor_hi",
            "increments.anchor_lo",
        )
    )
    ordered = np.roll(ring, -int(phase[0]))[len(ring) - int(filled[0]) :]
    return np.asarray(anchor_hi[0] + anchor_lo[0] + ordered)
