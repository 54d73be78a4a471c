"""`python -m tests.chaos.soak --hours 1` (`make soak HOURS=1`): does anything grow?

Two workers under a steady load; every ten seconds their memory, file descriptors and threads, and
how far results are behind. The last quarter is held against the second: the first warms up.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Final

import click
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from ops.compile_cache import keep_executables
from ops.local import LocalKafka
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import Ticks, random_ticks
from tests.kafka.fleet import Fleet

__all__ = ["Sample", "growth", "main"]

_PARTITIONS: Final = 4
_ASSETS: Final = 200
_PER_SECOND: Final = 500
_SAMPLE_S: Final = 10.0
_ALLOWED_GROWTH: Final = {"resident_mib": 1.10, "descriptors": 1.10, "threads": 1.05}
_ALLOWED_BEHIND: Final = 2 * _PER_SECOND


@dataclass(frozen=True)
class Sample:
    """Both workers together at one moment."""

    resident_mib: float
    descriptors: float
    threads: float
    behind: float


def growth(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Medians of the second and of the last quarter, by name."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    return {
        field.name: (
            median(getattr(sample, field.name) for sample in early),
            median(getattr(sample, field.name) for sample in late),
        )
        for field in fields(Sample)
    }


class _Counter:
    """Counts visible results and keeps none of them."""

    def __init__(self, kafka: KafkaCluster, topic: str) -> None:
        self.count = 0
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "group.id": "soak",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        self._consumer.assign([TopicPartition(topic, p, 0) for p in range(_PARTITIONS)])
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.count += sum(m.error() is None for m in self._consumer.consume(1_000, 0.1))


class _Feeder:
    """The same ten thousand prices again and again, with times that go on."""

    def __init__(self, kafka: KafkaCluster, topic: str) -> None:
        self.count = 0
        self._topic = topic
        self._ticks = random_ticks(10_000, _ASSETS, seed=1)
        self._producer = Producer(
            {"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random", "linger.ms": 5}
        )

    def go_on_for(self, seconds: float) -> None:
        """Feed at the steady rate."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            begun_s = time.monotonic()
            self._second()
            time.sleep(max(0.0, begun_s + 1.0 - time.monotonic()))

    def _second(self) -> None:
        start = self.count % len(self._ticks.asset)
        part = slice(start, start + _PER_SECOND)
        stamps_ns = self._ticks.timestamp_ns[part] * 0 + time.time_ns()
        values = Ticks(self._ticks.asset[part], self._ticks.price[part], stamps_ns).values()
        for asset, value in zip(self._ticks.asset[part], values, strict=True):
            self._producer.produce(self._topic, value, asset.encode())
        assert self._producer.flush(30) == 0
        self.count += _PER_SECOND


def _sample(fleet: Fleet, behind: int) -> Sample:
    processes = [psutil.Process(worker.pid) for worker in fleet.workers]
    return Sample(
        resident_mib=sum(p.memory_info().rss for p in processes) / 2**20,
        descriptors=sum(p.num_fds() for p in processes),
        threads=sum(p.num_threads() for p in processes),
        behind=behind,
    )


@click.command()
@click.option("--hours", default=1.0, help="How long.")
def main(hours: float) -> None:
    """Soak, print the table, and exit with 1 if something grew."""
    keep_executables()
    with tempfile.TemporaryDirectory(prefix="tickfleet-soak-") as folder, LocalKafka() as broker:
        kafka = KafkaCluster(broker.bootstrap)
        ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
        settings = {"processing_clock": "wall", "load_shedding": True, "snapshot_interval_s": 5.0}
        fleet = Fleet(kafka, Path(folder) / "fleet", ticks, _PARTITIONS, settings, "spawn")
        counter = _Counter(kafka, fleet.topics["predictions"])
        feeder = _Feeder(kafka, ticks)
        for number in range(2):
            fleet.start(f"w-{number}")
        samples: list[Sample] = []
        until_s = time.monotonic() + 3600 * hours
        while time.monotonic() < until_s:
            feeder.go_on_for(_SAMPLE_S)
            samples.append(_sample(fleet, feeder.count - counter.count))
            click.echo(" ".join(f"{value:.1f}" for value in astuple(samples[-1])))
        fleet.wait_for(lambda: counter.count >= feeder.count, 60, "all results")
        fleet.stop()
        assert counter.count == feeder.count
    sys.exit(_report(growth(samples), feeder.count))


def _report(grown: dict[str, tuple[float, float]], ticks: int) -> int:
    click.echo(f"{ticks:,} ticks, each with one result")
    status = 0
    for name, (early, late) in grown.items():
        limit = early * _ALLOWED_GROWTH[name] if name in _ALLOWED_GROWTH else _ALLOWED_BEHIND
        click.echo(
            f"{name:14} {early:10.1f} -> {late:10.1f}  {'flat' if late <= limit else 'GREW'}"
        )
        status |= late > limit
    return status


if __name__ == "__main__":
    main()
