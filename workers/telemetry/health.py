"""What the worker says of itself, read by the HTTP probes from another thread."""

import threading
import time
from dataclasses import dataclass

__all__ = ["HealthReport", "WorkerHealth"]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One consistent view: `alive` fails the liveness probe, `ready` the readiness probe."""

    alive: bool
    ready: bool
    detail: dict[str, str | int | float]


class WorkerHealth:
    """Thread-safe status. The loop beats; a loop that stops beating is reported dead.

    Args:
        stall_after_s: how long the loop may be silent before `alive` turns false.
    """

    def __init__(self, *, stall_after_s: float = 60.0) -> None:
        self._lock = threading.Lock()
        self._stall_after_s = stall_after_s
        self._last_beat_s = time.monotonic()
        self._ready = False
        self._detail: dict[str, str | int | float] = {"phase": "starting"}

    def beat(self) -> None:
        """The loop went round once more."""
        self._last_beat_s = time.monotonic()

    def update(self, *, ready: bool, **detail: str | int | float) -> None:
        """Replace the readiness and merge details (phase, partition counts…)."""
        with self._lock:
            self._ready = ready
            self._detail.update(detail)

    def silent_s(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last_beat_s

    def report(self) -> HealthReport:
        """A consistent copy for a probe."""
        silent_s = self.silent_s()
        with self._lock:
            alive = silent_s < self._stall_after_s
            return HealthReport(
                alive, self._ready and alive, {**self._detail, "silent_s": silent_s}
            )
