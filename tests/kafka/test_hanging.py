"""A transaction whose marker the coordinator left out: the next life of its worker ends it.

Kafka 4.3 leaves markers out while a partition has no leader (KAFKA-20734). Here that is so for the
predictions topic, which only a broker that is killed holds; the journal's marker is written.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ops.local import LocalCluster
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.tap import read_topic
from workers import Topics, WorkerConfig
from workers.brokers.client_config import consumer_settings, producer_settings
from workers.brokers.log_offsets import log_ends
from workers.delivery.output_limits import OutputLimits
from workers.delivery.outputs import GroupTicket
from workers.delivery.transactional import TransactionalOutputs
from workers.emission.emitter import Emission
from workers.emission.out_message import OutMessage

pytestmark = pytest.mark.kafka
TOPICS: Final = Topics()
UNWATCHED: Final = "unwatched"
LIMIT_S: Final = 30.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    """Where a worker's predictions, and another topic, hold an aborted record without a marker."""
    with LocalCluster(tmp_path) as cluster:
        producers = {
            TOPICS.predictions: _producer(cluster, "w-0"),
            UNWATCHED: _producer(cluster, "raw"),
        }
        away = 1 + _coordinator(cluster) % 3
        _create_topics(cluster, away=away)
        for topic, producer in producers.items():
            producer.begin_transaction()
            for name in (topic, TOPICS.journal):
                producer.produce(name, b"aborted", partition=0)
            producer.flush(LIMIT_S)
        cluster.brokers[away].kill()
        _until(lambda: _settled(cluster, TOPICS.journal), "the coordinator to abort")
        cluster.brokers[away].start()
        for topic in producers:
            _until(partial(_hangs, cluster, topic), "the transaction to hang")
        yield cluster


def test_a_workers_next_life_ends_what_kafka_itself_would_commit(cluster: LocalCluster) -> None:
    raw = _producer(cluster, "raw")
    raw.begin_transaction()
    raw.produce(UNWATCHED, b"committed", partition=0)
    raw.commit_transaction(LIMIT_S)
    # Once this fails Kafka has mended its mistake: `workers.delivery.hanging` can go.
    assert _values(cluster, UNWATCHED, 2) == [b"aborted", b"committed"]

    config = _config(cluster, "w-0")
    outputs = TransactionalOutputs(config, OutputLimits(config))
    outputs.restart()
    _until(lambda: _settled(cluster, TOPICS.predictions), "it to be ended")
    outputs.produce(_emission(b"committed"))
    _commit(outputs, cluster)
    for topic in (TOPICS.predictions, TOPICS.journal):
        assert _values(cluster, topic, 1) == [b"committed"], topic


def _producer(cluster: LocalCluster, worker_id: str) -> Producer:
    producer = Producer(producer_settings(_config(cluster, worker_id), lambda _error: None))
    producer.init_transactions(LIMIT_S)
    return producer


def _config(cluster: LocalCluster, worker_id: str) -> WorkerConfig:
    return WorkerConfig(
        cluster.bootstrap,
        "group",
        worker_id,
        "file:///nowhere",
        topics=TOPICS,
        session_timeout_ms=2_000,
        transaction_timeout_ms=3_000,
    )


def _coordinator(cluster: LocalCluster) -> int:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    name = "__transaction_state"
    return int(admin.list_topics(name, timeout=LIMIT_S).topics[name].partitions[0].leader)


def _create_topics(cluster: LocalCluster, *, away: int) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    stays = away % 3 + 1
    new = [
        NewTopic(
            name,
            num_partitions=1,
            replica_assignment=[[away if name in (TOPICS.predictions, UNWATCHED) else stays]],
            config={"min.insync.replicas": "1"},
        )
        for name in (*TOPICS.all(), UNWATCHED)
    ]
    for future in admin.create_topics(new).values():
        future.result(LIMIT_S)


def _emission(value: bytes) -> Emission:
    return Emission(
        results={0: [{"value": value, "key": b"a"}]},
        extras=[],
        journal=[OutMessage(TOPICS.journal, None, value, partition=0)],
    )


def _commit(outputs: TransactionalOutputs, cluster: LocalCluster) -> None:
    consumer = Consumer(consumer_settings(_config(cluster, "w-0"), lambda _error: None))
    try:
        group = GroupTicket(consumer.consumer_group_metadata(), lambda _offsets: None)
        outputs.start_commit((), group)
        outputs.settle()
    finally:
        consumer.close()


def _values(cluster: LocalCluster, topic: str, count: int) -> list[bytes | None]:
    """Of the committed records, once there are so many of them."""
    found = read_topic(KafkaCluster(cluster.bootstrap), topic, 1, count)
    return [record.value for record in found[0]]


def _ends(cluster: LocalCluster, topic: str) -> tuple[int, int]:
    """Where committed records end, and where all do."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    place = TopicPartition(topic, 0)
    [committed] = log_ends(admin, [place], LIMIT_S, committed=True)
    [every] = log_ends(admin, [place], LIMIT_S, committed=False)
    return committed, every


def _hangs(cluster: LocalCluster, topic: str) -> bool:
    return _ends(cluster, topic) == (0, 1)


def _settled(cluster: LocalCluster, topic: str) -> bool:
    committed, every = _ends(cluster, topic)
    return 0 < committed == every


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline_s, f"waited {LIMIT_S:.0f} s for {what}"
        time.sleep(0.2)
