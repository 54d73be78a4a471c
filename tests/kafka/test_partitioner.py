"""Ticks that were spread by another partitioner than ours: results follow the tick, not the key."""

import pytest
from confluent_kafka import Producer

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import random_ticks
from tests.kafka.tap import read_topic
from tests.kafka.verdict import verdict
from tests.schemas.reference import decode

pytestmark = pytest.mark.kafka


def test_results_are_in_the_partition_of_their_tick(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    count, partitions = 1_000, 4
    ticks = kafka.create_topic("ticks", partitions=partitions)
    feed = random_ticks(count, 40, seed=1)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "consistent"})
    for key, value in zip(feed.asset, feed.values(), strict=True):
        producer.produce(ticks, value, key.encode())
    assert producer.flush(30) == 0
    fleet = make_fleet("fleet", ticks, partitions)
    worker = fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], partitions, count)
    assert worker.terminate() == 0
    inputs = read_topic(kafka, ticks, partitions, count)
    assert all(inputs.values())
    report = verdict({p: [r.offset for r in records] for p, records in inputs.items()}, results)
    assert report.holds and report.results == count, report
    for partition, records in results.items():
        assert {decode("PredictionResult", r.value)["source_partition"] for r in records} == {
            partition
        }
