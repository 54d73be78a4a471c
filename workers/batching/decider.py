"""Takes the decision of a micro-batch: the one place where clock and load enter."""

from schemas import EVENT_TIME
from workers.batching.decisions import Decision
from workers.batching.shedding import LoadShedder
from workers.clock import Clock
from workers.config import ProcessingClock, WorkerConfig
from workers.telemetry.metrics import M, Telemetry

__all__ = ["Decider"]


class Decider:
    """Clock and load shedder behind one question.

    Args:
        config: which clock, whether to shed.
        clock: the machine's clocks.
        telemetry: depth, step latency, latency ratio.
    """

    def __init__(self, config: WorkerConfig, clock: Clock, telemetry: Telemetry) -> None:
        self._event_time = config.processing_clock is ProcessingClock.EVENT
        self._shedding = config.load_shedding
        self._clock = clock
        self._telemetry = telemetry
        self._shedder = LoadShedder(config.predictor.log_sig_depth, config.shedding)
        self._last_batch_s: float | None = None

    def decide(self) -> Decision:
        """The decision for the micro-batch about to be stepped."""
        processing_time_ns = EVENT_TIME if self._event_time else self._clock.now_ns()
        return Decision(processing_time_ns, self._shedder.depth, self._shedder.kernel_mask)

    def observe(self, *, begun_s: float, latency_s: float) -> None:
        """Tell how long the step of a micro-batch took; used for the next decision."""
        if self._last_batch_s is not None and self._shedding:
            interval_s = begun_s - self._last_batch_s
            self._shedder.observe(latency_s=latency_s, interval_s=interval_s)
            self._telemetry.set(M.SIGNATURE_DEPTH, self._shedder.depth)
            self._telemetry.set(M.LATENCY_RATIO, self._shedder.ratio)
            self._telemetry.set(M.STEP_LATENCY, self._shedder.latency_s)
        self._last_batch_s = begun_s
