"""Dumps of an embedded predictor at the rise of EmergencyMode (section 12.3), one file each."""

from collections import deque
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Final

import structlog

from core import AssetState, PredictionResult, PredictorConfig, state_layout
from snapshots.envelope import seal
from snapshots.scope import escape
from workers.dump_document import REMEMBERED_RESULTS, emergency_document
from workers.embedded.snapshot_files import SavedSnapshot, write_snapshot

__all__ = ["EmergencyDumps"]

_log = structlog.get_logger()
_MAX_NAME: Final = 150


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
        self._drift: deque[tuple[float, float]] = deque(maxlen=REMEMBERED_RESULTS)

    def remember(self, result: PredictionResult) -> None:
        """Keep CUSUM's value and threshold: the regime history of a later dump."""
        self._drift.append((result.cusum_drift, result.adaptive_threshold))

    def write(
        self, executor: Executor, result: PredictionResult, state: AssetState, timestamp_ns: int
    ) -> None:
        """Write a dump beside the steps; a failure is logged."""
        if self._folder is None:
            return
        document = emergency_document(
            result,
            state.rows,
            self._slices,
            asset_id=self._asset_id,
            timestamp_ns=timestamp_ns,
            drift=self._drift,
        )
        # Escaped, and so short that any file system takes it, as the fleet's are.
        asset = escape(self._asset_id)[:_MAX_NAME]
        name = f"{asset}_emergency_{timestamp_ns}.msgpack"
        file = self._folder / name
        executor.submit(write_snapshot, file, seal(document).data).add_done_callback(_log_outcome)


def _log_outcome(future: Future[SavedSnapshot]) -> None:
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or error:
        _log.error("emergency_dump_failed", reason=str(error or "cancelled"))
    else:
        _log.critical("emergency_dump_saved", file=str(future.result().filepath))
