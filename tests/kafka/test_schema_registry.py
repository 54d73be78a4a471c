"""A fleet beside a schema registry: strangers' serialisers in, strangers' deserialisers out."""

import json
from importlib.resources import files
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import Ticks, random_ticks
from tests.kafka.tap import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.registry]


def _document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files("schemas") / "avro" / f"{name}.avsc").read_text())
    return loaded


def _registry(url: str) -> SchemaRegistryClient:
    """A stranger's client; one request to a registry went unanswered for five minutes once."""
    return SchemaRegistryClient({"url": url, "timeout": 5})


def _venue_tick() -> str:
    """A producer's own schema: our tick, plus a field of its own."""
    document = _document("Tick")
    document["fields"].append({"name": "venue", "type": "string"})
    return json.dumps(document)


def _produce(kafka: KafkaCluster, registry_url: str, topic: str, ticks: Ticks) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    with _registry(registry_url) as client:
        serialise = AvroSerializer(client, _venue_tick())
        context = SerializationContext(topic, MessageField.VALUE)
        columns = zip(ticks.asset, ticks.price.tolist(), ticks.timestamp_ns.tolist(), strict=True)
        for asset, price, timestamp_ns in columns:
            tick = {"asset_id": asset, "price": price, "target": price, "venue": "X"}
            value = serialise(tick | {"timestamp_ns": timestamp_ns}, context)
            producer.produce(topic, value, asset.encode())
    assert producer.flush(30) == 0


def test_confluent_clients_feed_the_fleet_and_read_it(
    kafka: KafkaCluster, registry_url: str, make_fleet: MakeFleet
) -> None:
    count = 500
    topic = kafka.create_topic("ticks", partitions=2)
    ticks = random_ticks(count, 5, seed=4)
    _produce(kafka, registry_url, topic, ticks)
    fleet = make_fleet("fleet", topic, 2, schema_registry_url=registry_url)
    worker = fleet.start("w-0")
    predictions = fleet.topics["predictions"]
    results = read_topic(kafka, predictions, 2, count)
    assert worker.terminate() == 0

    with _registry(registry_url) as client:
        deserialise = AvroDeserializer(client)
        context = SerializationContext(predictions, MessageField.VALUE)
        decoded = [deserialise(r.value, context) for rs in results.values() for r in rs]
        assert sorted(result["timestamp_ns"] for result in decoded) == sorted(
            ticks.timestamp_ns.tolist()
        )
        assert {result["asset_id"] for result in decoded} == set(ticks.asset)
        subjects = client.get_subjects()
        for topic_name in (predictions, fleet.topics["journal"]):
            assert f"{topic_name}-value" in subjects


@pytest.mark.parametrize("name", ["PredictionResult", "FlagEvent", "Tick"])
def test_the_registry_itself_holds_us_to_backward_compatibility(
    registry_url: str, name: str
) -> None:
    subject = f"{unique_name(name)}-value"
    document = _document(name)
    with _registry(registry_url) as client:
        client.register_schema(subject, Schema(json.dumps(document), "AVRO"))
        client.set_compatibility(subject, level="BACKWARD")
        added = {"name": "added", "type": ["null", "string"], "default": None}
        wider = document | {"fields": [*document["fields"], added]}
        assert client.test_compatibility(subject, Schema(json.dumps(wider), "AVRO"))
        required = {"name": "required", "type": "string"}
        broken = document | {"fields": [*document["fields"], required]}
        with pytest.raises(SchemaRegistryError) as refused:
            client.register_schema(subject, Schema(json.dumps(broken), "AVRO"))
        assert refused.value.http_status_code == 409
