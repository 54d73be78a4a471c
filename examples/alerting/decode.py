"""A flag event out of a Kafka message."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from confluent_kafka import Message
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

__all__ = ["Decode", "by_registry", "by_schema_file"]

Decode = Callable[[Message], dict[str, Any]]
_MARKER = b"\xc3\x01"


def by_registry(url: str) -> Decode:
    """Each message names its writer's schema in the registry."""
    # Without a time limit one answer that is lost would hold up every alert after it.
    read = AvroDeserializer(SchemaRegistryClient({"url": url, "timeout": 5}))

    def decode(message: Message) -> dict[str, Any]:
        context = SerializationContext(message.topic() or "", MessageField.VALUE)
        event: dict[str, Any] = read(message.value(), context)
        return event

    return decode


def by_schema_file(path: Path) -> Decode:
    """Avro single-object encoding: two bytes, the schema's fingerprint, the body."""
    schema = json.loads(path.read_text("utf-8"))
    print_of_it = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
    header = _MARKER + bytes.fromhex(print_of_it)
    parsed = parse_schema(schema)

    def decode(message: Message) -> dict[str, Any]:
        data = bytes(message.value() or b"")
        if not data.startswith(header):
            raise ValueError(
                f"{message.topic()}@{message.offset()} was written with another schema than "
                f"{path.name}: take that of the fleet's release"
            )
        event = schemaless_reader(BytesIO(data[len(header) :]), parsed, None)
        assert isinstance(event, dict)
        return event

    return decode
