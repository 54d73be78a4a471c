import io
import json
import struct
from collections.abc import Iterator
from typing import Any

import fastavro
import numpy as np
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas import (
    ConfluentFraming,
    ErrorClass,
    RegistryDeniedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    TickCodec,
    UndecodableError,
    registry_client,
)
from schemas.contracts import contract
from tests.schemas import reference
from tests.schemas.registry_server import RegistryServer, running_registry

FAST = {"retries.wait.ms": 1, "retries.max.wait.ms": 2, "timeout": 2}
TICK: dict[str, Any] = {"asset_id": "AB", "price": 2.5, "target": None, "timestamp_ns": 7}


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with running_registry() as server:
        yield server


@pytest.fixture
def client(registry: RegistryServer) -> Iterator[SchemaRegistryClient]:
    with registry_client(registry.url, FAST) as client:
        yield client


def avro(document: Any) -> dict[str, Any]:
    return {"schema": json.dumps(document), "schemaType": "AVRO"}


def framed(schema_id: int, document: Any, record: dict[str, Any]) -> bytes:
    """Written as a foreign producer would: fastavro with its own schema."""
    out = io.BytesIO()
    out.write(struct.pack(">bi", 0, schema_id))
    fastavro.schemaless_writer(out, fastavro.parse_schema(document), record)
    return out.getvalue()


def extended() -> dict[str, Any]:
    """Our tick with its fields reordered, an extra array, and a plain double for target."""
    document = reference.document("Tick")
    fields = {field["name"]: field for field in document["fields"]}
    fields["target"] = {"name": "target", "type": "double"}
    venues = {"name": "venues", "type": {"type": "array", "items": "string"}}
    order = ("timestamp_ns", "price", "asset_id", "target")
    return document | {"fields": [venues, *(fields[name] for name in order)]}


def test_our_schema_is_registered_once_under_the_topics_subject(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    registry.add(avro("string"))
    codec = TickCodec(ConfluentFraming(client, "ticks"))
    values = [codec.encode("AB", 2.5, None, 7) for _ in range(3)]
    assert values == [reference.write("Tick", TICK, b"\x00" + struct.pack(">i", 2))] * 3
    assert registry.requests == ["POST /subjects/ticks-value/versions"]
    assert registry.subjects["ticks-value"] == {2}


def test_confluents_own_deserializer_reads_our_records(client: SchemaRegistryClient) -> None:
    codec = TickCodec(ConfluentFraming(client, "ticks"))
    [value] = codec.encode_batch(["AB"], np.array([2.5]), np.array([np.nan]), np.array([7]))
    context = SerializationContext("ticks", MessageField.VALUE)
    assert AvroDeserializer(client)(value, context) == TICK


def test_our_records_are_read_with_one_question_to_the_registry(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    value = TickCodec(ConfluentFraming(client, "ticks")).encode("AB", 2.5, None, 7)
    registry.requests.clear()
    with registry_client(registry.url, FAST) as reader:
        codec = TickCodec(ConfluentFraming(reader, "ticks"))
        for _ in range(3):
            columns, rejections = codec.decode([b"AB"] * 5, [value] * 5)
            assert (columns.price.tolist(), rejections) == ([2.5] * 5, [])
    assert registry.requests == ["GET /schemas/ids/1"]


def test_other_writer_schemas_are_resolved_beside_ours(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    codec = TickCodec(ConfluentFraming(client, "ticks"))
    ours = codec.encode("AB", 2.5, None, 7)
    foreign_id = registry.add(avro(extended()))
    renamed_doc = reference.document("Tick") | {"doc": "documented anew"}
    same_layout_id = registry.add(avro(renamed_doc))
    foreign = framed(foreign_id, extended(), TICK | {"target": 3.5, "venues": ["X", "Y"]})
    same_layout = framed(same_layout_id, renamed_doc, TICK | {"timestamp_ns": 9})
    cut = foreign[:-1]
    columns, rejections = codec.decode([b"AB"] * 5, [ours, foreign, cut, same_layout, ours])
    assert columns.index.tolist() == [0, 1, 3, 4]
    assert columns.timestamp_ns.tolist() == [7, 7, 9, 7]
    np.testing.assert_array_equal(columns.target, [np.nan, 3.5, np.nan, np.nan])
    assert [(one.index, one.error_class) for one in rejections] == [(2, "Undecodable")]


@pytest.mark.parametrize(
    ("schema", "error_class"),
    [
        (avro(reference.document("JournalRecord")), ErrorClass.UNDECODABLE),
        ({"schema": "{}", "schemaType": "JSON"}, ErrorClass.UNSUPPORTED_SCHEMA),
        (avro(reference.document("Tick")) | {"schemaType": "JSON"}, ErrorClass.UNSUPPORTED_SCHEMA),
        (avro("string"), ErrorClass.UNSUPPORTED_SCHEMA),
        ({"schema": "{", "schemaType": "AVRO"}, ErrorClass.UNSUPPORTED_SCHEMA),
    ],
)
def test_records_of_unfit_schemas_are_rejected_one_by_one(
    registry: RegistryServer,
    client: SchemaRegistryClient,
    schema: dict[str, Any],
    error_class: ErrorClass,
) -> None:
    unfit = registry.add(schema)
    codec = TickCodec(ConfluentFraming(client, "ticks"))
    value = struct.pack(">bi", 0, unfit) + bytes(30)
    columns, [rejection] = codec.decode([b"AB"] * 2, [value, codec.encode("AB", 1.0, None, 1)])
    assert columns.index.tolist() == [1]
    assert (rejection.index, rejection.error_class) == (0, error_class.value)


def test_an_unknown_id_is_the_records_fault_and_is_asked_about_again_only_later(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    now = [0.0]
    framing = ConfluentFraming(client, "ticks", unknown_ttl_s=30.0, monotonic=lambda: now[0])
    codec = TickCodec(framing)
    value = reference.write("Tick", TICK, struct.pack(">bi", 0, 1))
    for _ in range(3):
        _, [rejection] = codec.decode([b"AB"], [value])
        assert rejection.error_class == "UnknownSchema"
    assert registry.requests == ["GET /schemas/ids/1"]
    registry.add(avro(reference.document("Tick")))
    now[0] = 31.0
    columns, rejections = codec.decode([b"AB"], [value])
    assert (columns.price.tolist(), rejections) == ([2.5], [])


def test_the_memory_of_unknown_ids_is_bounded(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    framing = ConfluentFraming(client, "ticks", monotonic=lambda: 0.0)
    for schema_id in [*range(1, 1026), 1]:
        with pytest.raises(UndecodableError):
            framing.writer_schema(struct.pack(">bi", 0, schema_id))
    assert registry.requests.count("GET /schemas/ids/1") == 2
    assert registry.requests.count("GET /schemas/ids/1025") == 1


def test_ids_no_registry_gives_and_other_magic_bytes_cost_no_question(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    codec = TickCodec(ConfluentFraming(client, "ticks"))
    values = [b"\x00\xff\xff\xff\xff" + bytes(20), b"\x01\x00\x00\x00\x01" + bytes(20), b"\x00\x00"]
    _, rejections = codec.decode([b"AB"] * 3, values)
    classes = [rejection.error_class for rejection in rejections]
    assert classes == ["UnknownSchema", "Undecodable", "Undecodable"]
    assert registry.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        (503, b"{}"),
        (500, b"<html>"),
        (429, b"{}"),
        (200, b"<html>not json</html>"),
        (200, b'{"status": "maintenance"}'),
        (200, b'{"schema": ""}'),
        (200, b'{"schema": {"type": "string"}}'),
    ],
)
def test_an_outage_is_retryable_and_decides_nothing(
    registry: RegistryServer, client: SchemaRegistryClient, fault: tuple[int, bytes]
) -> None:
    codec = TickCodec(ConfluentFraming(client, "ticks"))
    registry.add(avro(reference.document("Tick")))
    value = reference.write("Tick", TICK, struct.pack(">bi", 0, 1))
    registry.fault = fault
    with pytest.raises(RegistryUnavailableError):
        codec.decode([b"AB"], [value])
    registry.fault = None
    columns, rejections = codec.decode([b"AB"], [value])
    assert (columns.price.tolist(), rejections) == ([2.5], [])


@pytest.mark.parametrize("answered", ['"abc"', "-5", "2147483648", "1.0", "null", "{}"])
@pytest.mark.parametrize("auto_register", [True, False])
def test_an_id_that_no_registry_gives_is_not_kept(
    registry: RegistryServer, client: SchemaRegistryClient, answered: str, auto_register: bool
) -> None:
    registry.add({"schema": contract("Tick").text, "schemaType": "AVRO"}, "ticks-value")
    framing = ConfluentFraming(client, "ticks", auto_register=auto_register)
    registry.fault = 200, f'{{"id": {answered}}}'.encode()
    with pytest.raises(RegistryUnavailableError, match="ticks-value"):
        framing.header(contract("Tick"))
    registry.fault = None
    assert framing.header(contract("Tick")) == b"\x00\x00\x00\x00\x01"


def test_a_registry_that_is_away_is_retryable() -> None:
    with running_registry() as server:
        url = server.url
    with registry_client(url, FAST) as client:
        framing = ConfluentFraming(client, "ticks")
        with pytest.raises(RegistryUnavailableError, match="ticks-value"):
            framing.header(contract("Tick"))
        with pytest.raises(RegistryUnavailableError, match="id 1"):
            framing.writer_schema(b"\x00\x00\x00\x00\x01")


@pytest.mark.parametrize("fault", [(409, b"{}"), (404, b'{"error_code": 40401}')])
def test_a_refusal_is_final_and_never_blames_the_record(
    registry: RegistryServer, client: SchemaRegistryClient, fault: tuple[int, bytes]
) -> None:
    registry.fault = fault
    framing = ConfluentFraming(client, "ticks")
    with pytest.raises(RegistryRefusedError) as refused:
        framing.header(contract("Tick"))
    assert not isinstance(refused.value, RegistryDeniedError)
    with pytest.raises(RegistryRefusedError):
        framing.writer_schema(b"\x00\x00\x00\x00\x01")


@pytest.mark.parametrize(
    "fault",
    [
        (401, b"{}"),
        (403, b"<html>forbidden</html>"),
        (302, b""),
        (308, b""),
        (404, b"default backend - 404"),
        (404, b"{}"),
        (404, b'{"error_code": "gone"}'),
    ],
)
def test_what_stands_before_a_registry_is_told_apart_from_it(
    registry: RegistryServer, client: SchemaRegistryClient, fault: tuple[int, bytes]
) -> None:
    registry.fault = fault
    framing = ConfluentFraming(client, "ticks")
    with pytest.raises(RegistryDeniedError, match=f"status code {fault[0]}"):
        framing.header(contract("Tick"))
    with pytest.raises(RegistryDeniedError, match="redirects are not followed"):
        framing.writer_schema(b"\x00\x00\x00\x00\x01")


def test_without_auto_registration_the_schema_must_be_there(
    registry: RegistryServer, client: SchemaRegistryClient
) -> None:
    framing = ConfluentFraming(client, "ticks", auto_register=False)
    with pytest.raises(RegistryRefusedError, match="register the schema"):
        framing.header(contract("Tick"))
    registry.add({"schema": contract("Tick").text, "schemaType": "AVRO"}, "ticks-value")
    assert framing.header(contract("Tick")) == b"\x00\x00\x00\x00\x01"
