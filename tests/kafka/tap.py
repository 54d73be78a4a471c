"""A read_committed reader that runs from the start, beside everything that is done to a fleet."""

import threading
import time
from collections import defaultdict
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from tests.fixtures.kafka import KafkaCluster

__all__ = ["Tap", "TapRecord", "read_topic"]


class TapRecord(NamedTuple):
    """One visible record."""

    offset: int
    key: bytes | None
    value: bytes | None
    seen_s: float


class Tap:
    """Collects every record of a topic that a subscriber can see, by partition.

    Args:
        kafka: the cluster.
        topic: the topic.
        partitions: its partition count.
        patient: go on when the broker is away; otherwise any error ends the reading.
    """

    def __init__(
        self, kafka: KafkaCluster, topic: str, partitions: int, *, patient: bool = False
    ) -> None:
        self._patient = patient
        self.records: dict[int, list[TapRecord]] = defaultdict(list)
        self._values: set[bytes | None] = set()
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "group.id": f"tap-{topic}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self._consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tap-{topic}", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """Records seen so far."""
        return sum(len(records) for records in list(self.records.values()))

    @property
    def distinct(self) -> int:
        """Records seen so far, copies of the same value counted once."""
        return len(self._values)

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join(30)
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            # `consume(n, timeout)` waits for n: take the first as it comes, then what is there.
            messages = self._consumer.consume(1, 0.05)
            for message in messages + (self._consumer.consume(10_000, 0) if messages else []):
                error = message.error()
                if error is not None and self._patient and error.retriable():
                    continue
                assert error is None, error
                partition, offset = message.partition(), message.offset()
                assert partition is not None and offset is not None
                self._values.add(message.value())
                self.records[partition].append(
                    TapRecord(offset, message.key(), message.value(), time.monotonic())
                )


def read_topic(
    kafka: KafkaCluster, topic: str, partitions: int, count: int, timeout_s: float = 60.0
) -> dict[int, list[TapRecord]]:
    """A topic's records, once `count` of them are visible."""
    tap = Tap(kafka, topic, partitions)
    try:
        deadline = time.monotonic() + timeout_s
        while tap.count < count:
            assert time.monotonic() < deadline, f"{topic}: {tap.count} of {count} records"
            time.sleep(0.02)
        return dict(tap.records)
    finally:
        tap.close()
