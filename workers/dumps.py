"""Debugging dumps at the rise of EmergencyMode (specification section 12.3), one file each."""

from collections import deque
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import structlog

from core import AssetState, PredictionResult, PredictorConfig, state_layout
from snapshots.envelope import seal
from workers.snapshot_files import SavedSnapshot, write_snapshot

__all__ = ["EmergencyDumps"]

_log = structlog.get_logger()
_REMEMBERED_RESULTS = 256
_TELEMETRY = ("kurtosis", "dgm_entropy", "adaptive_threshold", "distance_to_collapse")


class EmergencyDumps:
    """Writes dumps of one asset.

    Args:
        folder: where; None: nowhere.
        asset_id: named in the files.
        config: tells where the window of levels lies in the state.
    """

    def __init__(self, folder: Path | None, asset_id: str, config: PredictorConfig) -> None:
        self._folder = folder
        self._asset_id = asset_id
        self._slices = state_layout(config).slices
        self._drift: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED_RESULTS)

    def remember(self, result: PredictionResult) -> None:
        """Keep CUSUM's value and threshold: the regime history of a later dump."""
        self._drift.append((result.cusum_drift, result.adaptive_threshold))

    def write(
        self, executor: Executor, result: PredictionResult, state: AssetState, timestamp_ns: int
    ) -> None:
        """Write a dump beside the steps; a failure is logged."""
        if self._folder is None:
            return
        data = seal(self._document(result, state, timestamp_ns)).data
        name = f"{self._asset_id}_emergency_{timestamp_ns}.msgpack"
        file = self._folder / name
        executor.submit(write_snapshot, file, data).add_done_callback(_log_outcome)

    def _document(
        self, result: PredictionResult, state: AssetState, timestamp_ns: int
    ) -> dict[str, object]:
        return {
            "emergency_timestamp": timestamp_ns,
            "asset_id": self._asset_id,
            "holder_exponent": result.holder_exponent,
            "weights": list(result.weights),
            "signal_buffer": [float(price) for price in self._window(state)],
            "regime_history": [list(pair) for pair in self._drift],
            "telemetry_snapshot": {name: float(getattr(result, name)) for name in _TELEMETRY},
            "flags_at_emergency": {
                "degraded_inference": result.degraded_inference_mode,
                "regime_change": result.regime_change_detected,
                "mode_collapse": result.mode_collapse_warning,
            },
        }

    def _window(self, state: AssetState) -> np.ndarray:
        """The window of prices, oldest first."""
        ring, phase, filled, anchor_hi, anchor_lo = (
            state.rows[self._slices[name]].astype(np.float64)
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


def _log_outcome(future: Future[SavedSnapshot]) -> None:
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or error:
        _log.error("emergency_dump_failed", reason=str(error or "cancelled"))
    else:
        _log.critical("emergency_dump_saved", file=str(future.result().filepath))
