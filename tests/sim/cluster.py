"""A cluster and a worker's clients of it, for statements that hold of more than one broker."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, TopicPartition

from workers import WorkerConfig
from workers.brokers.client_config import consumer_settings, producer_settings, reader_settings

__all__ = ["PATIENCE_S", "Cluster", "gather", "produce_some"]

PATIENCE_S: Final = 30.0


class Cluster(ABC):
    """Clients of one broker, with two topics of one partition each, both empty at first.

    Args:
        config: group, topics and time limits.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config

    @abstractmethod
    def new_producer(self, settings: dict[str, Any]) -> Any:
        """A `confluent_kafka.Producer`, or what stands for one."""

    @abstractmethod
    def new_consumer(self, settings: dict[str, Any]) -> Any:
        """A `confluent_kafka.Consumer`, or what stands for one."""

    @abstractmethod
    def new_admin(self) -> Any:
        """A `confluent_kafka.admin.AdminClient`, or what stands for one."""

    @abstractmethod
    def write_markers(self) -> None:
        """Let every decided transaction's markers arrive."""

    @abstractmethod
    def outlast_transactions(self) -> None:
        """Let more time pass than a transaction may stay open."""

    @property
    def ticks(self) -> str:
        """The input topic."""
        return self.config.topics.ticks

    @property
    def journal(self) -> str:
        """Another topic."""
        return self.config.topics.journal

    def producer(self) -> Any:
        """A transactional producer, initialised; a second one has the same transactional id."""
        producer = self.new_producer(producer_settings(self.config, lambda _error: None))
        producer.init_transactions(PATIENCE_S)
        return producer

    def publish(self, *values: bytes, topic: str | None = None) -> None:
        """One committed transaction."""
        producer = self.producer()
        produce_some(producer, topic or self.journal, *values)
        producer.commit_transaction(PATIENCE_S)
        self.write_markers()

    @contextmanager
    def reader(self) -> Iterator[Any]:
        """A consumer outside the group's membership."""
        reader = self.new_consumer(reader_settings(self.config))
        try:
            yield reader
        finally:
            reader.close()

    @contextmanager
    def member(self, on_error: Callable[[KafkaError], None] = lambda _error: None) -> Iterator[Any]:
        """A member of the group that holds the partition; a second one has the same instance id."""
        member = self.new_consumer(consumer_settings(self.config, on_error))
        held: list[int] = []

        def take(consumer: Any, partitions: list[TopicPartition]) -> None:
            places = [TopicPartition(one.topic, one.partition, 0) for one in partitions]
            consumer.incremental_assign(places)
            held.extend(one.partition for one in places)

        def give(consumer: Any, partitions: list[TopicPartition]) -> None:
            consumer.incremental_unassign(partitions)

        member.subscribe([self.ticks], on_assign=take, on_revoke=give, on_lost=give)
        try:
            gather(lambda: _consumed(member), held, "an assignment")
            yield member
        finally:
            member.close()

    def committed(self) -> TopicPartition:
        """The group's offset, as a recovery asks for it."""
        with self.reader() as reader:
            [found] = reader.committed([TopicPartition(self.ticks, 0)], PATIENCE_S)
        return found  # type: ignore[no-any-return]

    def read(self, end: int, start: int = 0) -> list[tuple[int, bytes]]:
        """Visible records of the journal topic, once a reader is told that it ends there."""
        found: list[tuple[int, bytes]] = []
        ends: list[int] = []
        with self.reader() as reader:
            reader.assign([TopicPartition(self.journal, 0, start)])
            deadline_s = time.monotonic() + PATIENCE_S
            while end not in ends and time.monotonic() < deadline_s:
                for message in reader.consume(100, 0.1):
                    error = message.error()
                    if error is None:
                        found.append((message.offset(), message.value()))
                    else:
                        assert error.code() == KafkaError._PARTITION_EOF, error
                        ends.append(message.offset())
        assert end in ends, f"{found}, and ends {sorted(set(ends))}, not {end}"
        return found


def produce_some(producer: Any, topic: str, *values: bytes, begin: bool = True) -> None:
    """Within a transaction, and as far as the broker."""
    if begin:
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, value=value, key=b"k", partition=0)
    until_s = time.monotonic() + PATIENCE_S
    while len(producer) and time.monotonic() < until_s:
        producer.poll(0.05)


def _consumed(member: Any) -> None:
    """One fetch, for what happens in it."""
    member.consume(1, 0.1)


def gather(act: Callable[[], None], found: Sequence[object], what: str, *, count: int = 1) -> None:
    """Act until that much was found."""
    deadline_s = time.monotonic() + PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < deadline_s, f"{what}: not within {PATIENCE_S} s"
        act()
