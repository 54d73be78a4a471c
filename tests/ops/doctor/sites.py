"""A cluster without a fleet, as the doctor finds it; and what a fleet would have left there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.doctor import Finding, Status
from ops.doctor.cluster import check_brokers
from ops.doctor.site import Site
from schemas import JournalCodec, JournalRecord, SingleObjectFraming
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.snapshots.memory_store import MemoryStore
from workers.config import Topics, WorkerConfig

__all__ = [
    "CONFIG",
    "answer_ten_ticks",
    "commit",
    "make_site",
    "member_of",
    "problems_of",
    "send_ticks",
]

CONFIG = WorkerConfig("127.0.0.1:1", "group", "w", "file:///unused")


def make_site(kafka: KafkaCluster, **settings: dict[str, str]) -> Site:
    """Brokers that answer, topics of one partition each, a store; `settings` of some topics."""
    names = {
        name: kafka.create_topic(name, config=settings.get(name, {}))
        for name in ("ticks", "predictions", "flags", "dead_letters", "journal")
    }
    config = replace(
        CONFIG,
        bootstrap_servers=kafka.bootstrap,
        group_id=unique_name("group"),
        topics=Topics(**names),
    )
    site = Site(config, AdminClient({"bootstrap.servers": kafka.bootstrap}))
    list(check_brokers(site))
    site.store = MemoryStore()
    return site


def problems_of(findings: Iterator[Finding]) -> list[tuple[Status, str]]:
    """What is not well, each with a remedy."""
    bad = [one for one in findings if one.status in {Status.FAILED, Status.WARNING}]
    assert all(one.remedy for one in bad)
    return [(one.status, one.message) for one in bad]


def send_ticks(kafka: KafkaCluster, site: Site, count: int) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for _ in range(count):
        producer.produce(site.config.topics.ticks, b"x")
    assert producer.flush(30) == 0


def commit(kafka: KafkaCluster, site: Site, offset: int, metadata: str = "") -> None:
    with member_of(kafka, site) as member:
        place = TopicPartition(site.config.topics.ticks, 0, offset, metadata=metadata)
        member.commit(offsets=[place], asynchronous=False)


@contextmanager
def member_of(kafka: KafkaCluster, site: Site) -> Iterator[Consumer]:
    group = {"group.id": site.config.group_id, "client.id": unique_name("worker")}
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, **group})
    try:
        yield consumer
    finally:
        consumer.close()


def answer_ten_ticks(
    kafka: KafkaCluster,
    site: Site,
    time_ns: int,
    *,
    first: int = 0,
    fingerprint: str = "0123456789abcdef",
    dtype: str = "float64",
    group: str | None = None,
    topic: str | None = None,
) -> None:
    """As the journal tells it."""
    record = JournalRecord(
        first, first + 9, time_ns, 5, 15, fingerprint, "w", (), dtype, group, topic
    )
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    value = JournalCodec(SingleObjectFraming()).encode(record)
    producer.produce(site.config.topics.journal, value, partition=0)
    assert producer.flush(30) == 0
