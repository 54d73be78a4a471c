"""What the output topics take at once, lowered below what a worker at work sends."""

import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import read_topic
from tests.schemas.reference import decode

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_a_worker_at_work_makes_letters_and_batches_fit(
    kafka: KafkaCluster, make_fleet: MakeFleet, delivery: str
) -> None:
    before, after = 100, 8_000
    ticks = kafka.create_topic("ticks", partitions=1, config={"max.message.bytes": "4000000"})
    produce(kafka, ticks, random_ticks(before, 10, seed=6))
    fleet = make_fleet("fleet", ticks, 1, delivery=delivery)
    worker = fleet.start("w-0")
    # The first life may have its program to compile.
    read_topic(kafka, fleet.topics["predictions"], 1, before, timeout_s=180.0)

    _limit(kafka, fleet.topics["predictions"], 20_000)
    _limit(kafka, fleet.topics["dead_letters"], 1_000_000)
    huge = np.random.default_rng(1).bytes(2_000_000)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.max.bytes": 4_000_000})
    producer.produce(ticks, huge, b"bad")
    assert producer.flush(30) == 0
    produce(kafka, ticks, random_ticks(after, 10, seed=7))

    read_topic(kafka, fleet.topics["predictions"], 1, before + after)
    [record] = read_topic(kafka, fleet.topics["dead_letters"], 1, 1)[0]
    assert worker.terminate() == 0
    letter = decode("DeadLetter", record.value)
    assert 990_000 < len(letter["value"]) < 1_000_000
    assert huge.startswith(letter["value"])
    assert "max.message.bytes" in fleet.logs()


def _limit(kafka: KafkaCluster, topic: str, max_bytes: int) -> None:
    entry = ConfigEntry(
        "max.message.bytes", str(max_bytes), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = kafka.admin()
    admin.incremental_alter_configs([resource])[resource].result(30)
