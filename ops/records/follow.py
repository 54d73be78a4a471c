"""Reads a topic as a subscriber would: committed records only, without a group of its own."""

from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from core.errors import FatalError, RetryableError
from ops.topics import NoSuchTopicError
from workers.brokers.reasons import Reasons
from workers.brokers.rights import no_matter, not_allowed
from workers.errors import NotAllowedError

__all__ = ["NoSuchPartitionError", "StartAt", "TopicUnreadableError", "follow"]

_BATCH: Final = 1_000
_POLL_S: Final = 0.2


class TopicUnreadableError(RetryableError):
    """The brokers do not answer, or refuse."""


class NoSuchPartitionError(FatalError):
    """A partition that a command is about does not exist."""


class StartAt(StrEnum):
    """Where reading begins."""

    BEGINNING = "beginning"
    END = "end"


def follow(
    topic: str,
    *,
    options: dict[str, Any],
    start: StartAt,
    stop_at_end: bool,
    only: Collection[int] = (),
    stopped: Callable[[], bool] = lambda: False,
    timeout_s: float = 15.0,
) -> Generator[Message, None, None]:
    """Yield the committed records of a topic, as they come; endless unless `stop_at_end`.

    Args:
        topic: its name.
        options: librdkafka's, with the brokers' address.
        start: where to begin.
        stop_at_end: end once every partition has been read to its end.
        only: these partitions; all when empty.
        stopped: asked every fifth of a second whether to end.
        timeout_s: how long the brokers may take to name the partitions.

    Raises:
        NoSuchTopicError: the topic does not exist.
        NoSuchPartitionError: one of `only` does not.
        NotAllowedError: this user may not read it.
        TopicUnreadableError: no answer.
    """
    required = {
        "group.id": "tickfleet-consume",  # librdkafka wants one; it is neither joined nor committed
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
    }
    reasons = Reasons()
    with _consumer({**options, **required, **reasons.options}) as consumer:
        partitions = _partitions(consumer, topic, only, timeout_s, reasons)
        offset = OFFSET_BEGINNING if start is StartAt.BEGINNING else OFFSET_END
        consumer.assign([TopicPartition(topic, partition, offset) for partition in partitions])
        unfinished = set(partitions)
        while (unfinished or not stop_at_end) and not stopped():
            for message in consumer.consume(_BATCH, _POLL_S):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    unfinished.discard(message.partition() or 0)
                elif not error.retriable() and not no_matter(error):
                    raise _refused(topic, error) or TopicUnreadableError(f"{topic}: {error.str()}")


@contextmanager
def _consumer(options: dict[str, Any]) -> Iterator[Consumer]:
    consumer = Consumer(options)
    try:
        yield consumer
    finally:
        consumer.close()


def _partitions(
    consumer: Consumer, topic: str, only: Collection[int], timeout_s: float, reasons: Reasons
) -> list[int]:
    try:
        found = consumer.list_topics(topic, timeout_s).topics[topic]
    except KafkaException as error:
        raise TopicUnreadableError(
            f"no answer about {topic}: {reasons.told(consumer, error)}"
        ) from error
    if found.error is not None or not found.partitions:
        raise _refused(topic, found.error) or NoSuchTopicError(topic)
    if absent := set(only) - found.partitions.keys():
        raise NoSuchPartitionError(
            f"{topic} has no partition {min(absent)}: the last one is {max(found.partitions)}"
        )
    return sorted(set(only) or found.partitions)


def _refused(topic: str, error: KafkaError | None) -> NotAllowedError | None:
    return not_allowed(error, {"topic": f"READ, DESCRIBE on {topic}"})
