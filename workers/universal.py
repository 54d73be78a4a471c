"""The specification's stateful predictor of one asset (sections 4, 6, 7, 8).

For notebooks and services that embed a predictor: no Kafka. It steps the same executable as the
fleet, so its results are the fleet's, bit for bit.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from core import (
    AssetState,
    FunctionalPredictor,
    MarketObservation,
    PredictionResult,
    PredictorConfig,
)
from snapshots import SingleSnapshot, current_header, decode_single, encode_single
from snapshots.file_store import FileStore
from workers.clock import Clock, SystemClock

__all__ = ["SavedSnapshot", "UniversalPredictor"]

_log = structlog.get_logger()
_HISTORY_STEP_NS = 1_000_000
_TELEMETRY = ("kurtosis", "dgm_entropy", "adaptive_threshold")
_FLAGS = (
    "degraded_inference_mode",
    "emergency_mode",
    "regime_change_detected",
    "mode_collapse_warning",
)


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """A snapshot that is durable: its file and size in bytes, checksum included."""

    filepath: Path
    filesize_bytes: int


class UniversalPredictor:
    """One asset, its state held here. Not thread-safe, but for the snapshots it writes itself.

    Args:
        config: hyperparameters.
        dtype: of the state.
        checkpoint_dir: where `predict_step_with_async_checkpoint` puts its files.
        checkpoint_interval: in steps.
        n_worker_threads: threads that write snapshots.
        clock: tells how old a tick is, and stamps snapshots.
    """

    def __init__(
        self,
        config: PredictorConfig,
        *,
        dtype: Literal["float64", "float32"] = "float64",
        checkpoint_dir: Path | None = None,
        checkpoint_interval: int = 1_000,
        n_worker_threads: int = 2,
        clock: Clock | None = None,
    ) -> None:
        self.config = config
        self._predictor = FunctionalPredictor(config, dtype=dtype)
        self._header = current_header(config, dtype)
        self._state = self._predictor.init_state()
        self._result: PredictionResult | None = None
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_interval = checkpoint_interval
        self._steps = 0
        self._clock = clock or SystemClock()
        self._executor = ThreadPoolExecutor(n_worker_threads, thread_name_prefix="snapshot_io")
        self._pending: set[Future[SavedSnapshot]] = set()

    @property
    def state(self) -> AssetState:
        """Everything that evolves; never changed in place."""
        return self._state

    def fit_history(self, history: Sequence[float]) -> bool:
        """Warm the state up on past prices, a millisecond apart (section 4.1).

        Returns:
            Whether the orchestrator's balance converged and no regime change is under way.

        Raises:
            ValueError: fewer prices than `wtmm_buffer_size`.
            RuntimeError: the forecast is not finite after the warm-up.
        """
        if len(history) < self.config.wtmm_buffer_size:
            raise ValueError(
                f"{len(history)} prices are too few: the warm-up takes at least "
                f"wtmm_buffer_size = {self.config.wtmm_buffer_size}"
            )
        begin_ns = self._clock.now_ns() - len(history) * _HISTORY_STEP_NS
        ticks = [
            MarketObservation(price, price, begin_ns + number * _HISTORY_STEP_NS)
            for number, price in enumerate(history)
        ]
        self._state, results = self._predictor.scan_history(self._state, ticks)
        last = self._result = results[-1]
        if last.predicted_price - last.predicted_price != 0.0:
            raise RuntimeError(
                "the predictor diverged: check the history for values that are not prices"
            )
        converged = last.sinkhorn_converged and last.cusum_drift < last.adaptive_threshold
        if not converged:
            _log.warning("cold_start_not_converged", cusum_drift=last.cusum_drift)
        return converged

    def step(self, observation: MarketObservation) -> PredictionResult:
        """One tick; guards, staleness and flags are the step's own (section 4.2)."""
        self._state, self._result = self._predictor.step(
            self._state, observation, processing_time_ns=self._clock.now_ns()
        )
        self._steps += 1
        return self._result

    predict_next = step

    def predict_step_with_async_checkpoint(
        self, observation: MarketObservation
    ) -> tuple[PredictionResult, Future[SavedSnapshot] | None]:
        """A step, and every `checkpoint_interval` steps a snapshot beside it (section 7).

        Raises:
            ValueError: no `checkpoint_dir` was given.
        """
        if self._checkpoint_dir is None:
            raise ValueError("checkpoints need a checkpoint_dir: give one to the constructor")
        result = self.step(observation)
        if self._steps % self._checkpoint_interval:
            return result, None
        name = f"snapshot_step_{self._steps}.msgpack"
        return result, self.save_snapshot_nonblocking(self._checkpoint_dir / name)

    def export_state_snapshot(self) -> bytes:
        """The whole state as one document with a SHA-256 trailer (section 6)."""
        result = self._result
        return encode_single(
            self._header,
            SingleSnapshot(
                rows=self._state.rows,
                last_timestamp_ns=self._state.timestamp_ns,
                created_ns=self._clock.now_ns(),
                telemetry={n: getattr(result, n) for n in _TELEMETRY} if result else {},
                flags={n: getattr(result, n) for n in _FLAGS} if result else {},
            ),
        )

    def save_snapshot(self, filepath: Path) -> SavedSnapshot:
        """Write the state to a file, atomically and durably."""
        return _write(filepath, self.export_state_snapshot())

    def save_snapshot_nonblocking(self, filepath: Path) -> Future[SavedSnapshot]:
        """As `save_snapshot`; only the serialisation happens on this thread (section 7)."""
        future = self._executor.submit(_write, filepath, self.export_state_snapshot())
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def load_snapshot(self, filepath: Path) -> None:
        """Take the state of a file; this predictor's own is unchanged if that fails.

        Raises:
            IntegrityError: the file is damaged (a `ValueError`, as section 6 asks).
            SnapshotMismatchError: it was written under another configuration.
        """
        snapshot = decode_single(filepath.read_bytes(), self._header)
        self._state = type(self._state)(snapshot.rows, snapshot.last_timestamp_ns)

    def graceful_shutdown(self, timeout_seconds: float = 25.0) -> None:
        """Wait for snapshots under way, at most so long, and end the I/O threads (section 8)."""
        unfinished = wait(list(self._pending), timeout=timeout_seconds).not_done
        if unfinished:
            _log.warning("snapshots_abandoned", count=len(unfinished))
        self._executor.shutdown(wait=not unfinished, cancel_futures=True)

    shutdown = graceful_shutdown


def _write(filepath: Path, data: bytes) -> SavedSnapshot:
    filepath = filepath.absolute()
    filepath.parent.mkdir(parents=True, exist_ok=True)
    FileStore(filepath.parent).put(filepath.name, data)
    return SavedSnapshot(filepath, len(data))
