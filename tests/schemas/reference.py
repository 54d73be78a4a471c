"""Independent oracles: fastavro and struct only, none of the code under test."""

import io
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

SCHEMAS = Path(__file__).parents[2] / "schemas"


def document(name: str, *, folder: str = "avro") -> dict[str, Any]:
    """The .avsc document as JSON."""
    parsed: dict[str, Any] = json.loads((SCHEMAS / folder / f"{name}.avsc").read_text("utf-8"))
    return parsed


@cache
def schema(name: str) -> Any:
    return fastavro.parse_schema(document(name))


@cache
def single_object_header(name: str) -> bytes:
    digest = fingerprint(to_parsing_canonical_form(document(name)), "CRC-64-AVRO")
    return b"\xc3\x01" + bytes.fromhex(digest)


def write(name: str, record: dict[str, Any], header: bytes | None = None) -> bytes:
    """One framed record, single-object unless a header is given."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema(name), record)
    return (single_object_header(name) if header is None else header) + body.getvalue()


def read(name: str, data: bytes, header_size: int = 10) -> dict[str, Any]:
    record: Any = fastavro.schemaless_reader(io.BytesIO(data[header_size:]), schema(name), None)
    return dict(record)


def body(name: str, value: bytes | None) -> bytes:
    """The Avro body of a single-object framed value; ValueError when it is framed otherwise."""
    header = single_object_header(name)
    if value is None or not value.startswith(header):
        raise ValueError(f"this is no {name}: {(value or b'')[: len(header)]!r}")
    return value[len(header) :]


def decode(name: str, value: bytes | None) -> dict[str, Any]:
    """One single-object framed record; ValueError when it is framed otherwise or bytes are over."""
    rest = io.BytesIO(body(name, value))
    record: Any = fastavro.schemaless_reader(rest, schema(name), None)
    if rest.read(1):
        raise ValueError(f"bytes left over after a {name}")
    return dict(record)


_TICK = schema("Tick")
_TICK_HEADER = single_object_header("Tick")


def tick_or_none(key: bytes | None, value: bytes | None) -> tuple[float, float, int] | None:
    """What a single-object framed tick means by the contract; None where it must be refused."""
    if key is None or value is None or not value.startswith(_TICK_HEADER):
        return None
    body = io.BytesIO(value[len(_TICK_HEADER) :])
    try:
        record: Any = fastavro.schemaless_reader(body, _TICK, None)
    except Exception:
        return None
    if body.read():
        return None
    asset_id = record["asset_id"].encode()
    target = math.nan if record["target"] is None else record["target"]
    fits = (
        asset_id == key
        and 1 <= len(asset_id) <= 256
        and math.isfinite(record["price"])
        and record["price"] > 0
        and not math.isinf(target)
        and record["timestamp_ns"] >= 0
    )
    return (record["price"], target, record["timestamp_ns"]) if fits else None
