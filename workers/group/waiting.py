"""Tells of a member that waits for a seat: the client says nothing, or that it tries again.

Brokers of Kafka 3.7 to 3.9 know KIP-848 in part: the client asks them, does not take the answer,
and asks again for ever. A classic group lets nobody in while one of its members does not answer.
"""

from typing import Final

import structlog
from confluent_kafka import KafkaError

from workers.brokers.rights import lacks
from workers.config import WorkerConfig
from workers.group.protocol import no_seat_remedy
from workers.telemetry.log_throttle import LogThrottle

__all__ = ["Waiting"]

_log = structlog.get_logger()
_PATIENCE_S: Final = 60.0
"""Longer than a seat is kept for a static member's former life: under KIP-848, 45 s."""
_LINES_S: Final = 60.0


class Waiting:
    """Follows one member. A spare one, without partitions, has its seat and is not waiting.

    Args:
        config: names the group and its protocol.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._group = config.group_id
        self._remedy = no_seat_remedy(config.group_protocol)
        self._refusal: str | None = None
        self._since_s: float | None = None
        self._lines = LogThrottle(_LINES_S)

    def hear(self, error: KafkaError) -> str | None:
        """What mends an error of the member's client, where that is a right it lacks."""
        if error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            return None
        self._refusal = lacks(f"READ on the group {self._group}")
        return self._refusal

    def look(self, now_s: float, *, joined: bool) -> None:
        """See whether to warn; once a minute for as long as it lasts.

        Args:
            now_s: monotonic.
            joined: whether the group has told the member what it gets.
        """
        if joined:
            self._since_s = self._refusal = None
            return
        if self._since_s is None:
            self._since_s = now_s
        waited_s = now_s - self._since_s
        if waited_s >= _PATIENCE_S and self._lines.due("no_seat", now_s) is not None:
            remedy = self._refusal or self._remedy
            _log.warning("no_seat", group=self._group, seconds=round(waited_s), remedy=remedy)
