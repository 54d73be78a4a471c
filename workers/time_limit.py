"""One time limit for several client calls."""

import time
from collections.abc import Callable
from typing import Final

__all__ = ["time_limit"]

_LEAST_TIMEOUT_S: Final = 1.0


def time_limit(seconds: float) -> Callable[[], float]:
    """Tells what is left of so many seconds from now, for the next call; never less than one."""
    ends_s = time.monotonic() + seconds
    return lambda: max(ends_s - time.monotonic(), _LEAST_TIMEOUT_S)
