"""The contracts' records by fastavro and their .avsc files alone: not the fleet's codecs."""

import json
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

__all__ = ["body", "decode", "header_of", "schema_of"]

_HEADER_SIZE = 10


@cache
def schema_of(record_name: str) -> Any:
    """A contract's parsed schema."""
    return parse_schema(_document(record_name))


@cache
def header_of(record_name: str) -> bytes:
    """Avro single-object encoding: two magic bytes and the schema's fingerprint."""
    canonical = to_parsing_canonical_form(_document(record_name))
    return b"\xc3\x01" + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def body(record_name: str, value: bytes | None) -> bytes:
    """The Avro body of a framed value; ValueError when it is framed as anything else."""
    if value is None or value[:_HEADER_SIZE] != header_of(record_name):
        raise ValueError(f"this is no {record_name}: {(value or b'')[:_HEADER_SIZE]!r}")
    return value[_HEADER_SIZE:]


def decode(record_name: str, value: bytes | None) -> dict[str, Any]:
    """One framed record; ValueError when bytes are left over."""
    rest = BytesIO(body(record_name, value))
    decoded = schemaless_reader(rest, schema_of(record_name), None)
    if not isinstance(decoded, dict) or rest.read(1):
        raise ValueError(f"bytes left over after a {record_name}")
    return decoded


def _document(record_name: str) -> Any:
    return json.loads((files("schemas") / "avro" / f"{record_name}.avsc").read_text())
