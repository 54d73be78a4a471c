"""One change of a predictor's state at a time: of two at once, one would be lost without a word."""

from collections.abc import Callable
from typing import TypeVar

from workers.embedded.threads import Threads
from workers.errors import PredictorBusyError

__all__ = ["OneAtATime"]

T = TypeVar("T")


class OneAtATime:
    """Refuses a change while another one is under way.

    Plain stores and no lock: Ctrl-C cannot come between two of them and leave it taken, and what a
    fork leaves behind in the midst of a change is of another process.

    Args:
        threads: tell this process from the one that it was forked from.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._taken_by: object = None

    def one(self, change: Callable[[], T]) -> T:
        """What the change gives.

        Raises:
            PredictorBusyError: one is under way; this one was not made.
        """
        process = self._threads.process
        if self._taken_by is process:
            raise PredictorBusyError(
                "a step of this predictor is under way: give each thread its own, or let one feed"
            )
        self._taken_by = process
        try:
            return change()
        finally:
            self._taken_by = None
