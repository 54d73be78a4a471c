import io
import json
from typing import Any

import fastavro
import pytest

from schemas import ErrorClass, UndecodableError
from schemas.writer_schema import parse_writer_schema


def record(*fields: tuple[str, Any], name: str = "Tick") -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": kind} for field, kind in fields],
    }


EMPTY = record(name="Nothing")
NANOS = {"type": "long", "logicalType": "timestamp-nanos"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}


@pytest.mark.parametrize(
    "document",
    [
        record(("a", "long")),
        record(
            ("a", {"type": "array", "items": "string"}), ("b", {"type": "map", "values": "null"})
        ),
        record(("a", {"type": "array", "items": ["null", "long"]})),
        record(
            ("a", {"type": "enum", "name": "Side", "symbols": ["BUY"]}), ("b", ["null", "Side"])
        ),
        record(("a", record(("b", "long"), name="Inner")), ("c", "Inner")),
        record(("a", {"type": "fixed", "name": "Two", "size": 2})),
        record(("timestamp_ns", "long"), ("recv_ns", MICROS)),
    ],
)
def test_ordinary_schemas_are_taken(document: dict[str, Any]) -> None:
    assert parse_writer_schema(json.dumps(document))["type"] == "record"


def test_logical_types_are_dropped_so_that_nanoseconds_stay_integers() -> None:
    parsed = parse_writer_schema(json.dumps(record(("timestamp_ns", NANOS))))
    assert parsed["fields"][0]["type"] == "long"


@pytest.mark.parametrize(
    "document",
    [
        record(("next", ["null", "Tick"])),
        record(("a", {"type": "array", "items": "Tick"})),
        record(("a", {"type": "map", "values": "Tick"})),
        record(("a", {"type": "array", "items": "null"})),
        record(("a", {"type": "array", "items": EMPTY})),
        record(("a", EMPTY), ("b", {"type": "array", "items": "Nothing"})),
        record(("a", {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}})),
        record(("timestamp_ns", MICROS)),
        record(("timestamp_ns", ["null", MICROS])),
        record(("a", "no_such_type")),
        {"type": "array", "items": "long"},
        "string",
        {},
        [],
    ],
)
def test_unbounded_or_foreign_schemas_are_refused(document: Any) -> None:
    with pytest.raises(UndecodableError) as refused:
        parse_writer_schema(json.dumps(document))
    assert refused.value.error_class is ErrorClass.UNSUPPORTED_SCHEMA


def test_names_are_taken_from_the_schemas_that_one_refers_to() -> None:
    side = {"type": "enum", "name": "Side", "symbols": ["BUY"]}
    inner = record(("side", side), name="Inner")
    middle = record(("inner", "Inner"), ("side", "Side"), name="Middle")
    outer = record(("side", "Side"), ("middle", "Middle"), ("inner", "Inner"))
    parsed = parse_writer_schema(json.dumps(outer), [json.dumps(inner), json.dumps(middle)])
    body = io.BytesIO()
    value = {"inner": {"side": "BUY"}, "side": "BUY"}
    fastavro.schemaless_writer(
        body, parsed, {"side": "BUY", "middle": value, "inner": value["inner"]}
    )
    assert body.getvalue() == bytes(4)


@pytest.mark.parametrize(
    ("kind", "referred"),
    [
        ("Inner", record(("next", ["null", "Inner"]), name="Inner")),
        ({"type": "array", "items": "Nothing"}, EMPTY),
    ],
)
def test_what_is_unbounded_by_a_reference_is_refused(kind: Any, referred: dict[str, Any]) -> None:
    with pytest.raises(UndecodableError, match=r"contains itself|take no bytes"):
        parse_writer_schema(json.dumps(record(("a", kind))), [json.dumps(referred)])


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(UndecodableError, match="does not parse"):
        parse_writer_schema("{")
