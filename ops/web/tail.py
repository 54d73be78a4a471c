"""Follows a topic from a little before its end, and jumps ahead where it cannot keep up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.fleet import FleetUnreadableError, begins, ends
from ops.topics import describe_topics
from ops.web.growth import Growth
from workers.brokers.client_config import admin_settings, reader_settings
from workers.brokers.rights import no_matter, not_allowed
from workers.brokers.topics import check_layout
from workers.config import WorkerConfig

__all__ = ["Tail", "Taken"]

_BATCH: Final = 5_000
_LOOK_S: Final = 2.0
_FAR_BEHIND: Final = 20_000


class Taken(NamedTuple):
    """What came: messages in order per partition, and how many were jumped over."""

    messages: list[Message]
    skipped: int


class Tail:
    """A reader of committed records that is in no group and keeps no place.

    Args:
        config: names the cluster.
        topic: which topic.
        before: how many offsets before the end of each partition it begins.

    Raises:
        TopicLayoutError: the fleet's topics do not exist.
        RetryableError: the brokers do not answer.
    """

    def __init__(self, config: WorkerConfig, topic: str, *, before: int) -> None:
        infos = describe_topics(config)
        check_layout(config.topics, {name: info.partitions for name, info in infos.items()})
        numbers = range(infos[topic].partitions)
        admin, timeout_s = AdminClient(admin_settings(config)), config.client_timeout_s
        low = begins(admin, topic, numbers, timeout_s)
        high = ends(admin, topic, numbers, timeout_s, committed=True)
        self._topic, self._before = topic, before
        self._looked_s = time.monotonic()
        self._growth = Growth(topic)
        self._next = {number: max(low[number], high[number] - before) for number in numbers}
        options = {**reader_settings(config), "auto.offset.reset": "latest"}
        self._consumer = Consumer({**options, "enable.partition.eof": False})
        self._consumer.assign(
            [TopicPartition(topic, number, offset) for number, offset in self._next.items()]
        )

    def take(self, wait_s: float) -> Taken:
        """What has come by now, waiting for it at most so long.

        Raises:
            NotAllowedError: this user may not read the topic.
            FleetUnreadableError: it cannot be read.
        """
        with _explained(self._topic):
            # `consume(n, timeout)` waits for n: the first as it comes, then what is there.
            found = self._consumer.consume(1, wait_s)
            found += self._consumer.consume(_BATCH, 0.0) if found else []
        good = []
        for message in found:
            error = message.error()
            if error is None:
                good.append(message)
                self._next[message.partition() or 0] = (message.offset() or 0) + 1
            elif not error.retriable() and not no_matter(error):
                lacking = not_allowed(error, {"topic": f"READ on {self._topic}"})
                raise lacking or FleetUnreadableError(f"{self._topic}: {error.str()}")
        return Taken(good, self._jump_ahead())

    @property
    def outgrown(self) -> bool:
        """Whether the topic has partitions that are not read; asked now and then."""
        return self._growth.seen(self._consumer, len(self._next))

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _jump_ahead(self) -> int:
        """A page is for what is new: where thousands of records wait, go to their end."""
        if time.monotonic() - self._looked_s < _LOOK_S:
            return 0
        self._looked_s = time.monotonic()
        skipped = 0
        for number, place in list(self._next.items()):
            partition = TopicPartition(self._topic, number)
            # As the last answers of the brokers had it; no question is asked.
            _, high = self._consumer.get_watermark_offsets(partition, cached=True)
            if high - place > _FAR_BEHIND + self._before:
                target = high - self._before
                with _explained(self._topic):
                    self._consumer.seek(TopicPartition(self._topic, number, target))
                skipped += target - place
                self._next[number] = target
        return skipped


@contextmanager
def _explained(topic: str) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise FleetUnreadableError(f"{topic}: {error}") from error
