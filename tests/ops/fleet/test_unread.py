"""A partition's rest is looked at where offsets alone do not tell: behind a transactional feed."""

from collections.abc import Mapping

import pytest
from confluent_kafka import Producer

from ops.fleet import UnreadRecords, unread, without_records
from tests.fixtures.kafka import KafkaCluster, unique_name
from workers.config import WorkerConfig


@pytest.mark.kafka
def test_markers_and_aborted_records_are_nothing_to_read(kafka: KafkaCluster) -> None:
    topic = kafka.create_topic("ticks", partitions=5)
    config = WorkerConfig(kafka.bootstrap, unique_name("group"), "w", "file:///unused")
    producers = [_producer(kafka) for _ in range(2)]
    _send(producers[0], topic, 0, 1, 2, 4)
    _send(producers[0], topic, 1, 2, 4, abort=True)
    _send(producers[0], topic, 2)
    producers[1].begin_transaction()
    producers[1].produce(topic, b"open", partition=4)
    assert producers[1].flush(30) == 0
    # 0: a C.  1: a C a A.  2: a C a A a C.  3: nothing.  4: a C a A open.
    spans = {0: range(1, 2), 1: range(1, 4), 2: range(1, 6), 3: range(0), 4: range(1, 5)}
    assert without_records(config, topic, spans) == {0, 1}
    assert without_records(config, topic, {0: range(2), 2: range(5, 6)}) == {2}


def _producer(kafka: KafkaCluster) -> Producer:
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap, "transactional.id": unique_name("feed")}
    )
    producer.init_transactions(30)
    return producer


def _send(producer: Producer, topic: str, *partitions: int, abort: bool = False) -> None:
    producer.begin_transaction()
    for number in partitions:
        producer.produce(topic, b"a", partition=number)
    assert producer.flush(30) == 0
    (producer.abort_transaction if abort else producer.commit_transaction)(30)


def test_only_partitions_that_stand_still_are_read_and_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[set[int]] = []

    def look(_config: WorkerConfig, _topic: str, spans: Mapping[int, range]) -> set[int]:
        read.append({number for number, span in spans.items() if span})
        return read[-1] - {2}

    monkeypatch.setattr(unread, "without_records", look)
    counter = UnreadRecords(WorkerConfig("nowhere:1", "group", "w", "file:///unused"))
    moving, standing, stuck = range(50, 70), range(9, 10), range(30, 40)
    assert counter.count({0: range(40, 60), 1: standing, 2: stuck}) == {0: 0, 1: 0, 2: 10}
    assert counter.count({0: moving, 1: standing, 2: stuck}) == {0: 20, 1: 0, 2: 10}
    assert counter.count({0: range(60, 80), 1: standing, 2: stuck}) == {0: 20, 1: 0, 2: 10}
    assert counter.count({0: range(60, 80), 1: range(9, 12), 2: stuck}) == {0: 0, 1: 3, 2: 10}
    assert read == [{0, 1, 2}, set(), set(), {0}]
