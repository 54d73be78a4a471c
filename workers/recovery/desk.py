"""Recoveries under way: threads that plan, and the hand-over of their plans to the loop."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future

import structlog

from core.errors import RetryableError, TickFleetError
from schemas import RegistryDeniedError
from snapshots import StoreAccessError
from snapshots.io_threads import IoThreads
from workers.clock import Clock
from workers.partition import Partition
from workers.recovery.plan import RecoveryPlan
from workers.telemetry.log_throttle import LogThrottle

__all__ = ["RecoveryDesk"]

_log = structlog.get_logger()
_RETRY_S = 1.0
_LINES_S = 10.0
"""Between two lines on a partition that is tried again: what lasts is told often enough so."""
_REFUSED_RETRY_S = 10.0
"""Keys are rotated, permissions come late: who refuses need not do so for long."""


class RecoveryDesk:
    """Plans recoveries in the background; a failure that may pass is tried again by itself.

    Args:
        plan: plans the recovery of a partition, which is given by its number and why a replay
            cannot lead to its state, if one has tried; may block, runs on a thread.
        clock: spaces the retries.
        threads: how many recoveries run at once.
    """

    def __init__(
        self, plan: Callable[[int, str], RecoveryPlan], clock: Clock, *, threads: int = 4
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._threads = IoThreads(threads, "recovery")
        self._open: dict[Partition, Future[RecoveryPlan]] = {}
        self._retry_at_s: dict[Partition, float] = {}
        self._lines = LogThrottle(_LINES_S)

    def open(self, partition: Partition) -> None:
        """Begin to plan a partition's recovery."""
        self._open[partition] = self._threads.submit(self._plan, partition.number, partition.lost)

    def cancel(self, partition: Partition) -> None:
        """Forget a partition; a plan under way ends unread."""
        self._retry_at_s.pop(partition, None)
        future = self._open.pop(partition, None)
        if future is not None:
            future.cancel()

    def finished(self) -> Iterator[tuple[Partition, RecoveryPlan | TickFleetError]]:
        """Plans ready to install, and errors no retry can help. Never blocks."""
        now_s = self._clock.monotonic_s()
        for partition in [p for p, at_s in self._retry_at_s.items() if at_s <= now_s]:
            del self._retry_at_s[partition]
            self.open(partition)
        for partition in [p for p, future in self._open.items() if future.done()]:
            future = self._open.pop(partition)
            # Asked for and not raised here: an error caught where its future is a local holds that
            # frame, which holds the future, and with it the client of a failed recovery.
            error = future.exception()
            if isinstance(error, RetryableError):
                self._tell_retry(partition.number, str(error))
                self._retry_at_s[partition] = now_s + _RETRY_S
            elif isinstance(error, StoreAccessError | RegistryDeniedError):
                _log.error("recovery_refused", partition=partition.number, reason=str(error))
                self._retry_at_s[partition] = now_s + _REFUSED_RETRY_S
            elif isinstance(error, TickFleetError):
                yield partition, error
            else:
                yield partition, future.result()

    def _tell_retry(self, number: int, reason: str) -> None:
        repeated = self._lines.due(number, self._clock.monotonic_s())
        if repeated is not None:
            _log.warning("recovery_retried", partition=number, reason=reason, repeated=repeated)

    def close(self) -> bool:
        """Stop planning; False if a plan is still under way, also a forgotten partition's.

        It is not waited for: nobody will install it.
        """
        return self._threads.close()
