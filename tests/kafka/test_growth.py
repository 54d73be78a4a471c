"""Partitions added to a running fleet's topics: the new ones are taken up and answered."""

import pytest
from confluent_kafka.admin import NewPartitions

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka


def _grow(kafka: KafkaCluster, topic: str, partitions: int) -> None:
    admin = kafka.admin()
    admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(30)


@pytest.mark.parametrize("ticks_first", [False, True])
def test_added_partitions_are_answered_once_each(
    kafka: KafkaCluster, make_fleet: MakeFleet, *, ticks_first: bool
) -> None:
    count, before, after = 1_000, 2, 4
    ticks = kafka.create_topic("ticks", partitions=before)
    # The client asks for the topic's shape every five minutes unless told otherwise.
    consumer = {"topic.metadata.refresh.interval.ms": "500"}
    fleet = make_fleet("fleet", ticks, before, consumer=consumer)
    worker = fleet.start("w-0")
    produce(kafka, ticks, random_ticks(count, 40, seed=1))
    read_topic(kafka, fleet.topics["predictions"], before, count)
    grown = [fleet.topics["predictions"], fleet.topics["journal"], ticks]
    for topic in reversed(grown) if ticks_first else grown:
        _grow(kafka, topic, after)
    fleet.wait_for(lambda: fleet.logs().count("partition_live") >= after, 60, "the new partitions")
    produce(kafka, ticks, random_ticks(count, 40, seed=2))
    results = read_topic(kafka, fleet.topics["predictions"], after, 2 * count)
    assert worker.terminate() == 0
    inputs = read_topic(kafka, ticks, after, 2 * count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    assert len(accepted) == after
    report = verdict(accepted, results)
    assert report.holds and report.results == 2 * count, report


def test_ticks_beyond_the_other_topics_are_answered_once_those_are_grown(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    count, before, after = 500, 1, 2
    ticks = kafka.create_topic("ticks", partitions=before)
    fleet = make_fleet(
        "fleet", ticks, before, consumer={"topic.metadata.refresh.interval.ms": "500"}
    )
    worker = fleet.start("w-0")
    produce(kafka, ticks, random_ticks(count, 40, seed=1))
    read_topic(kafka, fleet.topics["predictions"], before, count)
    _grow(kafka, ticks, after)
    told = f"{fleet.topics['journal']} has {before} partitions: add partitions to it"
    fleet.wait_for(lambda: told in fleet.logs(), 60, "which topic is to grow")
    _grow(kafka, fleet.topics["journal"], after)
    fleet.wait_for(lambda: fleet.logs().count("partition_live") >= after, 60, "the new partition")
    produce(kafka, ticks, random_ticks(count, 40, seed=2))
    advice = "needs as many partitions as the ticks have"
    fleet.wait_for(lambda: advice in fleet.logs(), 30, "what is missing")
    _grow(kafka, fleet.topics["predictions"], after)
    results = read_topic(kafka, fleet.topics["predictions"], after, 2 * count)
    assert worker.terminate() == 0
    inputs = read_topic(kafka, ticks, after, 2 * count)
    report = verdict({p: [r.offset for r in records] for p, records in inputs.items()}, results)
    assert report.holds and report.results == 2 * count, report


def test_a_group_that_began_at_the_end_answers_added_partitions_from_their_beginning(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=1)
    produce(kafka, ticks, random_ticks(300, 40, seed=1))
    fleet = make_fleet("fleet", ticks, 1, consumer={"topic.metadata.refresh.interval.ms": "3000"})
    worker = fleet.start("w-0", cold_start="latest")
    fleet.wait_for(lambda: "partition_live" in fleet.logs(), 60, "a worker")
    produce(kafka, ticks, random_ticks(200, 40, seed=2))
    read_topic(kafka, fleet.topics["predictions"], 1, 200)
    assert "begins_at_the_end" in fleet.logs() and "'0 to 299'" in fleet.logs()
    assert worker.terminate() == 0

    fleet.start("w-0", cold_start="earliest")
    fleet.wait_for(lambda: fleet.logs().count("partition_live") == 2, 60, "the next life")
    for topic in (fleet.topics["predictions"], fleet.topics["journal"], ticks):
        _grow(kafka, topic, 2)
    # Nobody has taken the new partition up yet.
    produce(kafka, ticks, random_ticks(400, 40, seed=3))
    results = read_topic(kafka, fleet.topics["predictions"], 2, 600)
    fleet.stop()
    inputs = read_topic(kafka, ticks, 2, 900)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    accepted[0] = [offset for offset in accepted[0] if offset >= 300]
    report = verdict(accepted, results)
    assert accepted[1] and report.holds and report.results == 600, report
