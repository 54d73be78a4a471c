"""Writer schemas that name types of other subjects, as Confluent's serializers register them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas import ConfluentFraming, RegistryUnavailableError, TickCodec, registry_client
from tests.schemas import reference
from tests.schemas.registry_server import RegistryServer, running_registry

FAST = {"retries.wait.ms": 1, "retries.max.wait.ms": 2, "timeout": 2}
SIDE = {"type": "enum", "name": "Side", "namespace": "acme", "symbols": ["BUY", "SELL"]}
VENUE = {
    "type": "record",
    "name": "Venue",
    "namespace": "acme",
    "fields": [{"name": "side", "type": "acme.Side"}],
}
VALUE: dict[str, Any] = {
    **{"venue": {"side": "SELL"}, "side": "BUY"},
    **{"asset_id": "AB", "price": 2.5, "target": None, "timestamp_ns": 7},
}


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with running_registry() as server:
        yield server


@pytest.fixture
def codec(registry: RegistryServer) -> Iterator[TickCodec]:
    with registry_client(registry.url, FAST) as client:
        yield TickCodec(ConfluentFraming(client, "ticks", unknown_ttl_s=0.0))


def referring(document: dict[str, Any], **versions: int) -> dict[str, Any]:
    """As the registry keeps a schema: its text, and subject and version of what it refers to."""
    named = [
        {"name": f"acme.{name}", "subject": f"acme.{name}", "version": version}
        for name, version in versions.items()
    ]
    return {"schema": json.dumps(document), "schemaType": "AVRO", "references": named}


@pytest.fixture
def value(registry: RegistryServer) -> bytes:
    """A tick whose schema and one that it refers to both refer to a third: written by Confluent."""
    registry.add(referring(SIDE | {"symbols": ["BID", "ASK", "BUY", "SELL"]}), "acme.Side")
    registry.add(referring(SIDE), "acme.Side")
    registry.add(referring(VENUE, Side=2), "acme.Venue")
    tick = reference.document("Tick")
    added = [{"name": "venue", "type": "acme.Venue"}, {"name": "side", "type": "acme.Side"}]
    schema = Schema(
        json.dumps(tick | {"fields": [*added, *tick["fields"]]}),
        "AVRO",
        references=[
            SchemaReference("acme.Venue", "acme.Venue", 1),
            SchemaReference("acme.Side", "acme.Side", 2),
        ],
    )
    with SchemaRegistryClient({"url": registry.url}) as producers:
        write = AvroSerializer(producers, schema)
        written = write(VALUE, SerializationContext("ticks", MessageField.VALUE))
    registry.requests.clear()
    assert isinstance(written, bytes)
    return written


def test_each_schema_that_is_referred_to_is_asked_for_once(
    registry: RegistryServer, codec: TickCodec, value: bytes
) -> None:
    for _ in range(3):
        columns, rejections = codec.decode([b"AB"] * 2, [value] * 2)
        assert (columns.timestamp_ns.tolist(), rejections) == ([7, 7], [])
    assert registry.requests == [
        "GET /schemas/ids/4",
        "GET /subjects/acme.Venue/versions/1",
        "GET /subjects/acme.Side/versions/2",
    ]


@pytest.mark.parametrize(
    "fault", [(503, b"{}"), (200, b"{}"), (200, b'{"schema": "x", "references": [{}]}')]
)
def test_a_registry_that_gives_only_the_schema_itself_is_asked_again(
    registry: RegistryServer, codec: TickCodec, value: bytes, fault: tuple[int, bytes]
) -> None:
    registry.faults["/subjects/acme.Side/versions/2"] = fault
    with pytest.raises(RegistryUnavailableError, match=r"version 2 of subject acme\.Side"):
        codec.decode([b"AB"], [value])
    registry.faults.clear()
    columns, rejections = codec.decode([b"AB"], [value])
    assert (columns.timestamp_ns.tolist(), rejections) == ([7], [])


@pytest.mark.parametrize("code", [40401, 40402])
def test_what_a_schema_refers_to_and_the_registry_lacks_is_the_records_fault(
    registry: RegistryServer, codec: TickCodec, value: bytes, code: int
) -> None:
    gone = json.dumps({"error_code": code, "message": "not found"}).encode()
    registry.faults["/subjects/acme.Venue/versions/1"] = (404, gone)
    _, [rejection] = codec.decode([b"AB"], [value])
    assert rejection.error_class == "UnknownSchema"


def test_schemas_that_refer_to_ever_more_are_asked_for_up_to_a_bound(
    registry: RegistryServer, codec: TickCodec
) -> None:
    for one in range(100):
        name = f"S{one}"
        registry.add(referring(SIDE | {"name": name}, **{f"S{one + 1}": 1}), f"acme.{name}")
    value = b"\x00" + (1).to_bytes(4) + bytes(20)
    _, [rejection] = codec.decode([b"AB"], [value])
    assert rejection.error_class == "UnsupportedSchema"
    assert "refers to more than 64 others" in rejection.message


def test_schemas_that_refer_to_each_other_are_refused(
    registry: RegistryServer, codec: TickCodec
) -> None:
    for name, other in (("Venue", "Side"), ("Side", "Venue")):
        document = VENUE | {"name": name, "fields": [{"name": "other", "type": f"acme.{other}"}]}
        registry.add(referring(document, **{other: 1}), f"acme.{name}")
    _, [rejection] = codec.decode([b"AB"], [b"\x00" + (1).to_bytes(4) + bytes(20)])
    assert rejection.error_class == "UnsupportedSchema"
