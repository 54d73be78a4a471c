"""Ends the process when its loop hangs, so that another worker can take its partitions over.

The client's heartbeats go on while a step or a client call hangs, so the group would wait for
`max.poll.interval.ms` (five minutes) before it gives the partitions to somebody else. The timer
is faulthandler's: it needs no lock of the interpreter and fires even where native code holds it.
"""

import faulthandler
import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

__all__ = ["StuckGuard"]

_RENEW_EVERY_S: Final = 1.0


class StuckGuard:
    """While entered: every thread's stack goes to `log` and the process exits with status 1 if
    nobody calls `renew` for `stuck_after_s`. One for a process.

    Args:
        stuck_after_s: how long the loop may be silent.
        log: a stream with a file descriptor; None takes standard error.
    """

    def __init__(self, stuck_after_s: float, log: TextIO | None = None) -> None:
        self._stuck_after_s = stuck_after_s
        self._log = log or sys.stderr
        self._renewed_s = float("-inf")

    def renew(self) -> None:
        """The loop went round; cheap enough for every turn, acts once a second."""
        now_s = time.monotonic()
        if now_s - self._renewed_s >= _RENEW_EVERY_S:
            self._renewed_s = now_s
            faulthandler.dump_traceback_later(self._stuck_after_s, exit=True, file=self._log)

    def extend(self, by_s: float) -> None:
        """Be silent for this much longer than usual, once, from now on."""
        limit_s = self._stuck_after_s + by_s
        faulthandler.dump_traceback_later(limit_s, exit=True, file=self._log)

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        faulthandler.cancel_dump_traceback_later()
