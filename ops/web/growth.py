"""Notices that a topic has got more partitions: a page is left open for longer than that takes."""

import time
from typing import Any, Final, Protocol

from confluent_kafka import KafkaException

__all__ = ["Growth"]

_EVERY_S: Final = 10.0
_TIMEOUT_S: Final = 2.0


class _Client(Protocol):
    def list_topics(self, topic: str, timeout: float) -> Any:
        """Metadata of one topic."""


class Growth:
    """Looks every ten seconds, however often it is asked.

    Args:
        topic: whose partitions are counted.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._looked_s = time.monotonic()

    def seen(self, client: _Client, known: int) -> bool:
        """Whether there are more than the known ones. Brokers that do not answer tell nothing."""
        if time.monotonic() - self._looked_s < _EVERY_S:
            return False
        self._looked_s = time.monotonic()
        try:
            found = client.list_topics(self._topic, timeout=_TIMEOUT_S)
        except KafkaException:
            return False
        return len(found.topics[self._topic].partitions) > known
