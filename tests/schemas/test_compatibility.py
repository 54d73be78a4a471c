"""BACKWARD compatibility: readers with the current contracts read what every release wrote."""

import copy
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from fastavro.utils import generate_one

from schemas import SingleObjectFraming, UndecodableError
from schemas.contracts import (
    CONTRACT_NAMES,
    Contract,
    contract,
    parse_contract,
    released_contracts,
)
from schemas.record_codec import RecordCodec

Document = dict[str, Any]


def incompatibilities(reader: Document, writer: Document) -> set[str]:
    """Why `reader` cannot read what `writer` wrote, by the Avro project's own checker."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    result = checker.get_compatibility(
        avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer))
    )
    if result.compatibility is SchemaCompatibilityType.compatible:
        return set()
    return {reason.value for reason in result.incompatibilities}


def reads(reader: Document, writer: Document) -> bool:
    """Whether fastavro resolves what `writer` wrote to `reader`."""
    parsed = fastavro.parse_schema(writer)
    body = BytesIO()
    fastavro.schemaless_writer(body, parsed, generate_one(parsed))
    body.seek(0)
    try:
        fastavro.schemaless_reader(body, parsed, fastavro.parse_schema(reader))
    except Exception:
        return False
    return True


def ident(released: Contract) -> str:
    return f"{released.name}-{released.fingerprint.hex()}"


@pytest.mark.parametrize("released", released_contracts(), ids=ident)
def test_current_contracts_read_every_release(released: Contract) -> None:
    reader, writer = json.loads(contract(released.name).text), json.loads(released.text)
    assert incompatibilities(reader, writer) == set()
    assert all(reads(reader, writer) for _ in range(20))


def test_every_contract_has_been_released() -> None:
    assert {released.name for released in released_contracts()} == set(CONTRACT_NAMES)


def without_default(document: Document) -> None:
    document["fields"].append({"name": "venue", "type": "string"})


def narrower(document: Document) -> None:
    _field(document, "source_offset")["type"] = "int"


def renamed(document: Document) -> None:
    _field(document, "asset_id")["name"] = "symbol"


def fewer_symbols(document: Document) -> None:
    enum = _field(document, "severity")["type"]
    enum["symbols"].remove("critical")


def another_name(document: Document) -> None:
    document["name"] = "FlagEventTwo"


def with_default(document: Document) -> None:
    document["fields"].append({"name": "venue", "type": "string", "default": ""})


def removed(document: Document) -> None:
    document["fields"].remove(_field(document, "severity"))


def more_symbols(document: Document) -> None:
    _field(document, "type")["type"]["symbols"].append("NewType")


def _field(document: Document, name: str) -> Document:
    found: Document = next(field for field in document["fields"] if field["name"] == name)
    return found


def changed(change: Callable[[Document], None]) -> tuple[Document, Document]:
    writer = json.loads(contract("FlagEvent").text)
    reader = copy.deepcopy(writer)
    change(reader)
    return reader, writer


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_default, "reader_field_missing_default_value"),
        (narrower, "type_mismatch"),
        (renamed, "reader_field_missing_default_value"),
        (fewer_symbols, "missing_enum_symbols"),
        (another_name, "name_mismatch"),
    ],
)
def test_incompatible_changes_are_caught(change: Callable[[Document], None], reason: str) -> None:
    assert reason in incompatibilities(*changed(change))


@pytest.mark.parametrize("change", [without_default, narrower, renamed])
def test_fastavro_itself_fails_on_such_changes(change: Callable[[Document], None]) -> None:
    assert not reads(*changed(change))


@pytest.mark.parametrize("change", [with_default, removed, more_symbols])
def test_compatible_changes_pass(change: Callable[[Document], None]) -> None:
    assert incompatibilities(*changed(change)) == set()
    assert reads(*changed(change))


def test_an_older_reader_sees_a_newer_event_type_as_unknown() -> None:
    writer, reader = changed(more_symbols)
    parsed = fastavro.parse_schema(writer)
    body = BytesIO()
    record: Any = generate_one(parsed)
    fastavro.schemaless_writer(body, parsed, record | {"type": "NewType"})
    body.seek(0)
    read: Any = fastavro.schemaless_reader(body, parsed, fastavro.parse_schema(reader))
    assert read["type"] == "Unknown"


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_a_release_reads_what_the_next_one_writes_once_it_ships_its_schema(
    name: str,
) -> None:
    """In the middle of a rolling upgrade, and after going back: an older worker takes over."""
    ours = contract(name)
    document = json.loads(ours.text)
    with_default(document)
    newer = parse_contract(json.dumps(document))
    record = generate_one(ours.parsed)
    known = SingleObjectFraming([*released_contracts(), ours, newer])
    written = RecordCodec(known, newer).encode(record | {"venue": "X"})
    assert RecordCodec(known, ours).decode(written) == record
    with pytest.raises(UndecodableError, match="no known schema has the fingerprint"):
        RecordCodec(SingleObjectFraming(), ours).decode(written)
    assert RecordCodec(known, newer).decode(RecordCodec(known, ours).encode(record)) == (
        record | {"venue": ""}
    )
