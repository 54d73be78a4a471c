"""Looks at the ticks topic beside the loop, which never waits for the answer.

A client tells nothing of a topic that was deleted and created anew: it goes on in the new one at
its position in the old one, as soon as there are so many records. Nor does it learn where the topic
ends while its fetches are refused or kept back: one that it may not read looks like a quiet one.
"""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Final, NamedTuple

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AclOperation

from core.errors import RetryableError
from snapshots.io_threads import IoThreads
from workers.brokers.log_offsets import log_ends
from workers.brokers.rights import lacking_on_topics, lacks
from workers.brokers.topic_identity import TopicIdentity
from workers.clock import Clock
from workers.config import WorkerConfig
from workers.errors import TopicLayoutError
from workers.partition import Partition
from workers.telemetry.log_throttle import LogThrottle

__all__ = ["TopicWatch"]

_log = structlog.get_logger()
_EVERY_S: Final = 10.0
_LINES_S: Final = 60.0


class _Seen(NamedTuple):
    """The brokers' answers.

    Attributes:
        replaced: ids of the topics that are gone and replaced.
        ends: partition -> the offset up to which it may be read, of those that were told.
        lacking: rights on the topic that this user needs and does not have.
    """

    replaced: set[str]
    ends: Mapping[int, int]
    lacking: list[str]


class TopicWatch:
    """Asks now and then whether the topic is the one that partitions were recovered on, where it
    ends, and whether it may be read.

    Args:
        config: names the topic.
        identity: asks the brokers.
        clock: spaces the questions.
    """

    def __init__(self, config: WorkerConfig, identity: TopicIdentity, clock: Clock) -> None:
        self._topic = config.topics.ticks
        self._timeout_s = config.client_timeout_s
        self._identity = identity
        self._clock = clock
        self._threads = IoThreads(1, "topic-watch")
        self._asked: Future[_Seen] | None = None
        self._asked_s = clock.monotonic_s()
        self._ends: dict[int, int] = {}
        self._lines = LogThrottle(_LINES_S)
        self.readable = True

    def look(self, partitions: Iterable[Partition]) -> list[Partition]:
        """Those of the partitions whose topic is gone and replaced; never blocks."""
        if self._asked is None:
            if self._clock.monotonic_s() - self._asked_s >= _EVERY_S:
                self._ask(list(partitions))
            return []
        if not self._asked.done():
            return []
        answer, self._asked = self._asked, None
        if isinstance(answer.exception(), RetryableError):
            return []  # what the brokers do not tell now is asked again
        seen = answer.result()
        self._ends.update(seen.ends)
        self._tell(seen.lacking)
        return [one for one in partitions if one.topic_id in seen.replaced]

    def end_offset(self, partition: int) -> int:
        """Where a partition ended when that was last asked; -1 when unknown."""
        return self._ends.get(partition, -1)

    def close(self) -> bool:
        """Ask no more; False if a question still waits for the brokers."""
        return self._threads.close()

    def _ask(self, partitions: Collection[Partition]) -> None:
        self._asked_s = self._clock.monotonic_s()
        numbers = [one.number for one in partitions]
        self._ends = {number: end for number, end in self._ends.items() if number in numbers}
        known = {one.topic_id for one in partitions if one.topic_id is not None}
        self._asked = self._threads.submit(self._see, known, numbers)

    def _see(self, known: set[str], numbers: list[int]) -> _Seen:
        replaced = self._identity.replaced(known) if known else set()
        admin, places = self._identity.admin, [TopicPartition(self._topic, n) for n in numbers]
        try:
            needed = {self._topic: (AclOperation.READ, AclOperation.DESCRIBE)}
            lacking = lacking_on_topics(admin, needed, self._timeout_s) or []
        except (KafkaException, TimeoutError, TopicLayoutError):
            lacking = []
        try:
            ends = log_ends(admin, places, self._timeout_s, committed=True) if places else []
        except (KafkaException, TimeoutError):
            return _Seen(replaced, {}, lacking)
        return _Seen(replaced, dict(zip(numbers, ends, strict=True)), lacking)

    def _tell(self, lacking: list[str]) -> None:
        self.readable = not lacking
        if lacking and self._lines.due("lacking", self._clock.monotonic_s()) is not None:
            _log.error("ticks_not_readable", topic=self._topic, remedy=lacks(", ".join(lacking)))
