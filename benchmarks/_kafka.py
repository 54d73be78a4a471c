"""What the Kafka benchmarks share: a broker, if asked for kept off the pinned worker's core."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Table

from ops.fleet import ends
from ops.local import LocalKafka
from tests.fixtures.kafka import KafkaCluster

__all__ = ["WORKER_CORE", "print_table", "quick_broker", "topic_end", "topic_span"]

WORKER_CORE = 0
_BROKER_CORES = set(range(os.cpu_count() or 1)) - {WORKER_CORE} or {WORKER_CORE}


@contextmanager
def quick_broker(*, pinned: bool = False) -> Iterator[tuple[KafkaCluster, Path]]:
    """A broker that runs fast rather than starts fast, and a folder for the run.

    Args:
        pinned: keep the broker off the worker's core. On two cores that leaves it one, which
            many small transactions saturate: a latency then measures the broker's queue.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tickfleet-bench-") as folder,
        LocalKafka(Path(folder) / "kafka", java_options=()) as broker,
    ):
        pid = broker.pid
        if pinned and pid is not None:
            _pin_threads(pid, _BROKER_CORES)
        yield KafkaCluster(broker.bootstrap), Path(folder)


def _pin_threads(pid: int, cores: set[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def topic_end(kafka: KafkaCluster, topic: str, partitions: int) -> int:
    """Records, transaction markers included, ever written to a topic."""
    return sum(ends(kafka.admin(), topic, range(partitions), 10.0, committed=True).values())


def topic_span(kafka: KafkaCluster, topic: str, partitions: int) -> tuple[int, float]:
    """Records in a topic, and seconds between its first and its last by their timestamps."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": f"span-{topic}",
            "isolation.level": "read_uncommitted",
            "enable.partition.eof": True,
        }
    )
    stamps: list[int] = []
    count = 0
    try:
        for number in range(partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), 10.0)
            count += high - low
            # A transaction's marker may be the last offset of all: look a little before the end.
            for begin in (low, max(low, high - 5)):
                consumer.assign([TopicPartition(topic, number, begin)])
                deadline_s = time.monotonic() + 10.0
                while True:
                    message = consumer.poll(1.0)
                    assert time.monotonic() < deadline_s, f"{topic}[{number}] does not answer"
                    if message is None:
                        continue
                    if message.error() is not None:  # the partition's end
                        break
                    stamps.append(message.timestamp()[1])
                    if begin == low:
                        break
    finally:
        consumer.close()
    return count, (max(stamps) - min(stamps)) / 1e3


def print_table(title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """A table on standard output."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(width=120).print(table)
