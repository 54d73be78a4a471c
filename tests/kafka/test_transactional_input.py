"""Ticks written in transactions, some of them aborted: only committed ones exist for the fleet."""

import pytest
from confluent_kafka import Producer

from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import random_ticks
from tests.kafka.tap import read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka


def _produce(kafka: KafkaCluster, topic: str, count: int) -> int:
    """Transactions of 50 ticks, every third one aborted; returns how many ticks stand."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "transactional.id": unique_name("feed"),
            "partitioner": "murmur2_random",
            "retry.backoff.ms": 5,
        }
    )
    producer.init_transactions(30)
    ticks = random_ticks(count, 10, seed=3)
    values = ticks.values()
    standing = 0
    for number, first in enumerate(range(0, count, 50)):
        producer.begin_transaction()
        for key, value in zip(ticks.asset[first:], values[first : first + 50], strict=False):
            producer.produce(topic, key=key.encode(), value=value)
        if number % 3 == 1:
            assert producer.flush(30) == 0  # so that the aborted records are in the log
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
            standing += 50
    return standing


def test_aborted_ticks_leave_no_trace_and_no_gap(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=2)
    standing = _produce(kafka, ticks, 3_000)
    fleet = make_fleet("fleet", ticks, 2)
    worker = fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], 2, standing)
    assert worker.terminate() == 0
    inputs = read_topic(kafka, ticks, 2, standing)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, results)
    assert report.holds and report.results == standing, report
    # The aborted stretches were questioned; single markers were not.
    aborted = 3_000 // 50 // 3
    assert aborted <= fleet.logs().count("gap_asked_again") <= 2 * aborted
