"""SIGTERM and SIGINT: the first asks for an orderly stop, the second ends the process at once."""

import os
import signal
from types import FrameType

__all__ = ["StopSignal"]


class StopSignal:
    """Callable: whether somebody has asked to stop."""

    def __init__(self) -> None:
        self._requested = False

    def __call__(self) -> bool:
        """Whether to stop."""
        return self._requested

    def request(self) -> None:
        """Ask to stop, as a signal would."""
        self._requested = True

    def install(self) -> None:
        """Handle SIGTERM and SIGINT from now on; main thread only."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._requested:
            # Nothing is lost: the next start recovers from the snapshot and the journal.
            os._exit(128 + number)
        self._requested = True
