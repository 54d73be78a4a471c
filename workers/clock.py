"""Time, as the runtime may see it: injected, so that tests decide what it says."""

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Two clocks: one to stamp with, one to measure with. Neither call blocks."""

    def now_ns(self) -> int:
        """Unix time in nanoseconds."""

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary origin, never going back."""


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """Unix time in nanoseconds."""
        return time.time_ns()

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary origin, never going back."""
        return time.monotonic()
