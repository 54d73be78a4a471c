"""The specification's stateful predictor of one asset (sections 4, 6, 7, 8).

For notebooks and services that embed a predictor: no Kafka. It calls the fleet's step, compiled
for one asset, and its results are the fleet's, bit for bit.
"""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Literal, NoReturn

import structlog

from core import (
    ALL_KERNELS,
    BLOCKS,
    AssetState,
    Block,
    Kernel,
    Lane,
    MarketObservation,
    PredictionResult,
    PredictorConfig,
    TickFleetError,
)
from snapshots import IntegrityError, SingleSnapshot, current_header, decode_single, encode_single
from workers.batching.shedding import LoadShedder
from workers.clock import Clock, SystemClock
from workers.embedded.alerts import Alert, alerts, log_alert
from workers.embedded.dumps import EmergencyDumps
from workers.embedded.one_at_a_time import OneAtATime
from workers.embedded.snapshot_files import SavedSnapshot, SnapshotFiles
from workers.embedded.threads import Threads
from workers.errors import PredictorClosedError
from workers.telemetry.metrics import M, NullTelemetry, Telemetry

__all__ = ["SavedSnapshot", "UniversalPredictor"]

_log = structlog.get_logger()
_HISTORY_STEP_NS = 1_000_000
_TELEMETRY = ("kurtosis", "dgm_entropy", "adaptive_threshold")
# Name in a snapshot (section 6) -> field of the result.
_FLAGS = {
    "degraded_inference": "degraded_inference_mode",
    "emergency": "emergency_mode",
    "regime_change": "regime_change_detected",
    "mode_collapse": "mode_collapse_warning",
}


class UniversalPredictor:
    """One asset, its state held here. For one thread at a time, saving included: of two ticks at
    once the second is refused. Neither copied nor pickled: its snapshot is handed over.

    The network that is due after a tick trains in a thread of its own while the caller has the
    result; the next tick waits for it, where it comes that soon. In a forked process it goes on by
    itself.

    Args:
        config: hyperparameters.
        dtype: of the state.
        asset_id: names the asset in alerts and dumps.
        checkpoint_dir: where checkpoints and the final snapshot go.
        checkpoint_interval: in ticks of the asset.
        n_worker_threads: threads that write snapshots and dumps.
        clock: tells how old a tick is and how long a step took, and stamps snapshots.
        dump_dir: where a dump is written when EmergencyMode rises (section 12.3); None: nowhere.
        on_alert: told of every alert of section 12, beside the log.
        shedder: adapts depth and kernels to the load (section 15); None: everything runs.
        telemetry: told of the shutdown's metrics (section 8).
    """

    def __init__(
        self,
        config: PredictorConfig,
        *,
        dtype: Literal["float64", "float32"] = "float64",
        asset_id: str = "unknown",
        checkpoint_dir: str | PathLike[str] | None = None,
        checkpoint_interval: int = 1_000,
        n_worker_threads: int = 2,
        clock: Clock | None = None,
        dump_dir: str | PathLike[str] | None = None,
        on_alert: Callable[[Alert], None] = log_alert,
        shedder: LoadShedder | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.config = config
        self.asset_id = asset_id
        self._trains_on = Threads(1, "training")
        self._changes = OneAtATime(self._trains_on)
        self._lane = Lane(config, dtype, trains_on=self._trains_on)
        self._header = current_header(config, dtype)
        self._result: PredictionResult | None = None
        self._checkpoint_dir = None if checkpoint_dir is None else Path(checkpoint_dir)
        self._checkpoint_interval = checkpoint_interval
        self._clock = clock or SystemClock()
        self._files = SnapshotFiles(n_worker_threads)
        self._dumps = EmergencyDumps(None if dump_dir is None else Path(dump_dir), asset_id, config)
        self._on_alert = on_alert
        self._shedder = shedder
        self._last_arrival_s: float | None = None
        self._telemetry = telemetry or NullTelemetry()
        self._accepting = True

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a predictor is neither copied nor pickled, it has threads and files of its own: "
            "save_snapshot, then load_snapshot in a new one"
        )

    @property
    def state(self) -> AssetState:
        """A copy of everything that evolves."""
        return self._lane.state()

    def fit_history(self, history: Sequence[float]) -> bool:
        """Warm the state up on past prices, a millisecond apart (section 4.1).

        Closer, where the Nyquist interval is shorter: a history is no sparse stream. Alerts are
        told of what holds at its end, not of what came and went.

        Returns:
            Whether the orchestrator's balance converged and no regime change is under way.

        Raises:
            ValueError: fewer prices than `wtmm_buffer_size`.
            RuntimeError: the forecast is not finite after the warm-up.
            PredictorClosedError: after `graceful_shutdown`.
            PredictorBusyError: another thread is in a step.
        """
        self._require_open()
        if len(history) < self.config.wtmm_buffer_size:
            raise ValueError(
                f"{len(history)} prices are too few: the warm-up takes at least "
                f"wtmm_buffer_size = {self.config.wtmm_buffer_size}"
            )
        step_ns = min(_HISTORY_STEP_NS, self.config.besov_nyquist_interval_ns)
        begin_ns = self._clock.now_ns() - len(history) * step_ns
        ticks = [
            MarketObservation(price, price, begin_ns + number * step_ns)
            for number, price in enumerate(history)
        ]
        before, last = self._renew(lambda: deque(self._lane.steps(ticks), maxlen=1).pop())
        if not isfinite(last.predicted_price):
            raise RuntimeError(
                "the predictor diverged: check the history for values that are not prices"
            )
        self._announce(before, last, ticks[-1].timestamp_ns)
        converged = last.sinkhorn_converged and last.cusum_drift < last.adaptive_threshold
        if not converged:
            _log.warning("cold_start_not_converged", cusum_drift=last.cusum_drift)
        return converged

    def step(self, observation: MarketObservation) -> PredictionResult:
        """One tick; guards, staleness and flags are the step's own (section 4.2).

        Raises:
            PredictorClosedError: after `graceful_shutdown`.
            PredictorBusyError: another thread is in a step; this tick was not taken.
        """
        self._require_open()
        before, result = self._renew(lambda: self._advance(observation))
        self._announce(before, result, observation.timestamp_ns)
        return result

    predict_next = step

    def accept_observation(self, observation: MarketObservation) -> PredictionResult | None:
        """As `step`, but None where that would raise: the shutdown has begun (section 8)."""
        if self._accepting:
            return self.step(observation)
        _log.warning("observation_rejected", timestamp_ns=observation.timestamp_ns)
        return None

    def _require_open(self) -> None:
        if not self._accepting:
            raise PredictorClosedError("this predictor was shut down: load its snapshot in another")

    def _renew(
        self, advance: Callable[[], PredictionResult]
    ) -> tuple[PredictionResult | None, PredictionResult]:
        """The results before and after a change of the state."""

        def change() -> tuple[PredictionResult | None, PredictionResult]:
            result = advance()
            before, self._result = self._result, result
            return before, result

        return self._changes.one(change)

    def _advance(self, observation: MarketObservation) -> PredictionResult:
        begun_s = self._clock.monotonic_s()
        result = self._lane.step(
            observation,
            processing_time_ns=self._clock.now_ns(),
            depth=self._shedder.depth if self._shedder else None,
            kernel_mask=Kernel(self._shedder.kernel_mask) if self._shedder else ALL_KERNELS,
        )
        self._observe_load(begun_s)
        return result

    def _observe_load(self, begun_s: float) -> None:
        if self._shedder and self._last_arrival_s is not None:
            self._shedder.observe(
                latency_s=self._clock.monotonic_s() - begun_s,
                interval_s=begun_s - self._last_arrival_s,
            )
        self._last_arrival_s = begun_s

    def predict_step_with_async_checkpoint(
        self, observation: MarketObservation
    ) -> tuple[PredictionResult, Future[SavedSnapshot] | None]:
        """A step, and every `checkpoint_interval` ticks a snapshot beside it (section 7).

        Counted are the ticks that the state has seen, those of a history and of a loaded snapshot
        among them. They name the file: the highest number is the newest state.

        Raises:
            ValueError: no `checkpoint_dir` was given.
        """
        if self._checkpoint_dir is None:
            raise ValueError("checkpoints need a checkpoint_dir: give one to the constructor")
        result = self.step(observation)
        ticks = self._lane.sequence
        if ticks % self._checkpoint_interval:
            return result, None
        name = f"snapshot_step_{ticks}.msgpack"
        return result, self.save_snapshot_nonblocking(self._checkpoint_dir / name)

    def export_state_snapshot(self) -> bytes:
        """The whole state as one document with a SHA-256 trailer (section 6)."""
        result, state = self._result, self.state
        return encode_single(
            self._header,
            SingleSnapshot(
                rows=state.rows,
                last_timestamp_ns=state.timestamp_ns,
                sequence=state.sequence,
                created_ns=self._clock.now_ns(),
                telemetry={n: getattr(result, n) for n in _TELEMETRY} if result else {},
                flags={n: getattr(result, f) for n, f in _FLAGS.items()} if result else {},
            ),
        )

    def save_snapshot(self, filepath: str | PathLike[str]) -> SavedSnapshot:
        """Write the state to a file, atomically and durably."""
        return self._files.write_now(Path(filepath), self.export_state_snapshot())

    def save_snapshot_nonblocking(self, filepath: str | PathLike[str]) -> Future[SavedSnapshot]:
        """As `save_snapshot`; only the serialisation happens on this thread (section 7).

        The future may be ignored: how it ended is logged.

        Raises:
            PredictorClosedError: after `graceful_shutdown`.
        """
        self._require_open()
        return self._files.write(Path(filepath), self.export_state_snapshot())

    def load_snapshot(
        self, filepath: str | PathLike[str], *, blocks: Block | Collection[Block] = BLOCKS
    ) -> None:
        """Take the state of a file; this predictor's own is unchanged if that fails.

        Args:
            filepath: what `save_snapshot` wrote.
            blocks: K-blocks to take, or one; the others, and the time of the last tick unless
                "global" is among them, stay as they are.

        Raises:
            IntegrityError: the file is damaged (a `ValueError`, as section 6 asks).
            SnapshotMismatchError: it was written under another configuration (a `ValueError`).
            ValueError: there is no such block.
            PredictorBusyError: another thread is in a step.
        """
        wanted = {blocks} if isinstance(blocks, str) else set(blocks)
        if not wanted <= set(BLOCKS):
            raise ValueError(f"blocks={blocks!r}: some of {BLOCKS}")
        try:
            snapshot = decode_single(Path(filepath).read_bytes(), self._header)
        except IntegrityError as error:
            raise IntegrityError(
                f"{filepath}: {error}. Load an older snapshot, or start cold with fit_history"
            ) from error
        self._changes.one(lambda: self._take(snapshot, wanted))

    def _take(self, snapshot: SingleSnapshot, blocks: Collection[str]) -> None:
        own = self.state
        rows, stamp, sequence = own.rows, own.timestamp_ns, own.sequence
        for block in blocks:
            start, stop = self._header.blocks[block]
            rows[start:stop] = snapshot.rows[start:stop]
        if "global" in blocks:
            stamp, sequence = snapshot.last_timestamp_ns, snapshot.sequence
        self._lane.put(AssetState(rows, stamp, sequence))
        # What holds already was told before the snapshot was saved.
        self._result = self._lane.result() if sequence else None

    def graceful_shutdown(self, timeout_seconds: float = 25.0) -> None:
        """The orderly end (section 8): no more ticks, pending snapshots, a last one, threads.

        A step ends before the next begins, so no tick is left over. The last snapshot is written
        if there is a `checkpoint_dir`. Later calls do nothing.
        """
        if not self._accepting:
            return
        begun_s = self._clock.monotonic_s()
        self._accepting = False
        self._telemetry.inc(M.SHUTDOWNS)
        self._telemetry.observe(M.SHUTDOWN_RESIDUAL, 0.0)
        _log.info("shutdown", shutdown_phase="input_blocked", residual_observations=0)
        try:
            _log.info("shutdown", shutdown_phase="pending_snapshots")
            self._files.close(timeout_seconds)
            self._save_last()
        finally:
            self._trains_on.shutdown()
        seconds = self._clock.monotonic_s() - begun_s
        self._telemetry.observe(M.SHUTDOWN_SECONDS, seconds)
        _log.info("shutdown", shutdown_phase="done", seconds=seconds)

    shutdown = graceful_shutdown

    def _save_last(self) -> None:
        """A failure costs a longer warm-up, not the end of the shutdown."""
        if self._checkpoint_dir is None or self._lane.timestamp_ns is None:
            return
        _log.info("shutdown", shutdown_phase="final_snapshot")
        name = f"shutdown_step_{self._lane.sequence}.msgpack"
        try:
            self.save_snapshot(self._checkpoint_dir / name)
        except (TickFleetError, OSError) as error:
            _log.error("final_snapshot_failed", reason=str(error))

    def _announce(
        self, before: PredictionResult | None, result: PredictionResult, stamp_ns: int
    ) -> None:
        self._dumps.remember(result)
        for alert in alerts(before, result, asset_id=self.asset_id, timestamp_ns=stamp_ns):
            self._on_alert(alert)
        if result.emergency_mode and not (before and before.emergency_mode):
            self._dumps.write(self._files.executor, result, self.state, stamp_ns)
