"""Notices that the ticks topic was deleted and created anew under a worker at work.

The client goes on in the new topic at its position in the old one, as soon as there are so many
records, and says nothing. Beside the loop, which never waits for the answer.
"""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Final

from core.errors import RetryableError
from snapshots.io_threads import IoThreads
from workers.brokers.topic_identity import TopicIdentity
from workers.clock import Clock
from workers.partition import Partition

__all__ = ["TopicWatch"]

_EVERY_S: Final = 10.0


class TopicWatch:
    """Asks now and then whether the topic is the one that partitions were recovered on.

    Args:
        identity: asks the brokers.
        clock: spaces the questions.
    """

    def __init__(self, identity: TopicIdentity, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._threads = IoThreads(1, "topic-watch")
        self._asked: Future[set[str]] | None = None
        self._asked_s = clock.monotonic_s()

    def look(self, partitions: Iterable[Partition]) -> list[Partition]:
        """Those of the partitions whose topic is gone and replaced; never blocks."""
        if self._asked is None:
            if self._clock.monotonic_s() - self._asked_s >= _EVERY_S:
                self._ask({one.topic_id for one in partitions if one.topic_id is not None})
            return []
        if not self._asked.done():
            return []
        answer, self._asked = self._asked, None
        return [one for one in partitions if one.topic_id in _told(answer)]

    def close(self) -> bool:
        """Ask no more; False if a question still waits for the brokers."""
        return self._threads.close()

    def _ask(self, known: set[str]) -> None:
        self._asked_s = self._clock.monotonic_s()
        if known:
            self._asked = self._threads.submit(self._identity.replaced, known)


def _told(answer: Future[set[str]]) -> set[str]:
    """What the brokers do not tell now is asked again."""
    return set() if isinstance(answer.exception(), RetryableError) else answer.result()
