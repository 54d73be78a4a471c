"""Looks at the ticks topic beside the loop, which never waits for the answer.

A client tells nothing of a topic that was deleted and created anew: it goes on in the new one at
its position in the old one, as soon as there are so many records. Nor does it learn where the topic
ends while its fetches are refused or kept back: one that it may not read looks like a quiet one.
Of a partition that steps nothing, the group's commit tells from where on ticks wait.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AclOperation

from core.errors import RetryableError
from snapshots.io_threads import IoThreads
from workers.brokers.commits import committed_offsets
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
        commits: partition -> the group's offset, of those that step nothing and have one.
        lacking: rights on the topic that this user needs and does not have.
    """

    replaced: set[str]
    ends: Mapping[int, int]
    commits: Mapping[int, int]
    lacking: list[str]


class TopicWatch:
    """Asks now and then whether the topic is the one that partitions were recovered on, where it
    ends and the group stands, and whether it may be read.

    Args:
        config: names the topic and the group.
        identity: asks the brokers.
        clock: spaces the questions.
    """

    def __init__(self, config: WorkerConfig, identity: TopicIdentity, clock: Clock) -> None:
        self._topic, self._group = config.topics.ticks, config.group_id
        self._timeout_s = config.client_timeout_s
        self._identity = identity
        self._clock = clock
        self._threads = IoThreads(1, "topic-watch")
        self._asked: Future[_Seen] | None = None
        self._asked_s = clock.monotonic_s()
        self._ends: dict[int, int] = {}
        self._commits: dict[int, int] = {}
        self._lines = LogThrottle(_LINES_S)
        self.readable = True

    def look(self, partitions: Collection[Partition]) -> list[Partition]:
        """Those that take input and whose topic is gone and replaced; never blocks.

        Args:
            partitions: all that are held.
        """
        if self._asked is None:
            if self._clock.monotonic_s() - self._asked_s >= _EVERY_S:
                self._ask(partitions)
            return []
        if not self._asked.done():
            return []
        answer, self._asked = self._asked, None
        if isinstance(answer.exception(), RetryableError):
            return []  # what the brokers do not tell now is asked again
        seen = answer.result()
        self._ends.update(seen.ends)
        self._commits.update(seen.commits)
        self._tell(seen.lacking)
        return [one for one in partitions if one.active and one.topic_id in seen.replaced]

    def end_offset(self, partition: int) -> int:
        """Where a partition ended when that was last asked; -1 when unknown."""
        return self._ends.get(partition, -1)

    def committed_offset(self, partition: int) -> int:
        """Where the group stood in a partition that steps nothing; -1 when unknown."""
        return self._commits.get(partition, -1)

    def close(self) -> bool:
        """Ask no more; False if a question still waits for the brokers."""
        return self._threads.close()

    def _ask(self, partitions: Collection[Partition]) -> None:
        self._asked_s = self._clock.monotonic_s()
        numbers = [one.number for one in partitions]
        still = [one.number for one in partitions if not one.active]
        self._ends = {number: end for number, end in self._ends.items() if number in numbers}
        self._commits = {number: to for number, to in self._commits.items() if number in still}
        known = {one.topic_id for one in partitions if one.active and one.topic_id is not None}
        self._asked = self._threads.submit(self._see, known, numbers, still)

    def _see(self, known: set[str], numbers: Sequence[int], still: Sequence[int]) -> _Seen:
        replaced = self._identity.replaced(known) if known else set()
        try:
            needed = {self._topic: (AclOperation.READ, AclOperation.DESCRIBE)}
            lacking = lacking_on_topics(self._identity.admin, needed, self._timeout_s) or []
        except (KafkaException, TimeoutError, TopicLayoutError):
            lacking = []
        ends = self._told_ends(numbers)
        # A commit is of use beside an end alone.
        commits = self._told_commits(still) if ends else {}
        return _Seen(replaced, ends, commits, lacking)

    def _told_ends(self, numbers: Sequence[int]) -> dict[int, int]:
        if not numbers:
            return {}
        admin, places = self._identity.admin, self._places(numbers)
        try:
            ends = log_ends(admin, places, self._timeout_s, committed=True)
        except (KafkaException, TimeoutError):
            return {}
        return dict(zip(numbers, ends, strict=True))

    def _told_commits(self, numbers: Sequence[int]) -> dict[int, int]:
        if not numbers:
            return {}
        admin, places = self._identity.admin, self._places(numbers)
        try:
            return committed_offsets(admin, self._group, places, self._timeout_s)
        except (KafkaException, TimeoutError):
            return {}

    def _places(self, numbers: Sequence[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in numbers]

    def _tell(self, lacking: list[str]) -> None:
        self.readable = not lacking
        if lacking and self._lines.due("lacking", self._clock.monotonic_s()) is not None:
            _log.error("ticks_not_readable", topic=self._topic, remedy=lacks(", ".join(lacking)))
