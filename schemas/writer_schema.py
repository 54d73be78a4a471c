"""Writer schemas that others chose: taken in only when decoding with them is bounded.

The bytes of a record come from anyone. With a recursive schema a short record can exhaust
the C stack, and with an array of items that take no bytes a ten-byte record can ask for
2**62 of them. Neither has a use in our contracts, so both are refused when the schema is
first seen.
"""

import json
from collections.abc import Sequence
from typing import Any

from fastavro.schema import parse_schema

from schemas.errors import ErrorClass, UndecodableError
from schemas.fingerprint import canonical_form

__all__ = ["parse_writer_schema"]

_ITEM_BYTES = {"null": 0, "float": 4, "double": 8}
_EVENT_TIME = "timestamp_ns"
_NANOSECOND_TYPES = {None, "timestamp-nanos", "local-timestamp-nanos"}


def parse_writer_schema(text: str, references: Sequence[str] = ()) -> Any:
    """A writer's record schema, without logical types, ready for fastavro.

    Logical types are dropped because fastavro would turn longs into datetimes of microsecond
    resolution; schema resolution is defined on the underlying types anyway.

    Args:
        text: the schema's document.
        references: documents of the schemas whose names it uses without defining them, each after
            those that it refers to itself.

    Raises:
        UndecodableError: UNSUPPORTED_SCHEMA when it is not a record, does not parse, recurses,
            has arrays of zero-size items, or declares `timestamp_ns` to be in another unit.
    """
    try:
        document = json.loads(text)
        _require_nanoseconds(document)
        # As branches of a union, each knows the names that were defined before it.
        union = [*(json.loads(reference) for reference in references), document]
        canonical = json.loads(canonical_form(union))
        _smallest_size(canonical, named={}, open_names=())
        if not isinstance(canonical[-1], dict) or canonical[-1].get("type") != "record":
            raise _unsupported("it is not a record")  # noqa: TRY301
        return parse_schema(canonical)[-1]
    except UndecodableError:
        raise
    except Exception as error:
        raise _unsupported(f"it does not parse ({type(error).__name__}: {error})") from error


def _unsupported(reason: str) -> UndecodableError:
    return UndecodableError(
        ErrorClass.UNSUPPORTED_SCHEMA,
        f"the writer's schema cannot be used: {reason}; let the producer use the published one",
    )


def _require_nanoseconds(document: Any) -> None:
    fields = document.get("fields", []) if isinstance(document, dict) else []
    for field in fields:
        branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
        logical = {branch.get("logicalType") for branch in branches if isinstance(branch, dict)}
        if field["name"] == _EVENT_TIME and not logical <= _NANOSECOND_TYPES:
            raise _unsupported(f"field {_EVENT_TIME} has a logical type of another unit")


def _smallest_size(schema: Any, named: dict[str, int], open_names: tuple[str, ...]) -> int:
    """Fewest bytes a value of a canonical schema takes; refuses what is unbounded."""
    if isinstance(schema, list):
        sizes = [_smallest_size(branch, named, open_names) for branch in schema]
        return 1 + min(sizes, default=0)
    if isinstance(schema, str):
        if schema in open_names:
            raise _unsupported(f"{schema} contains itself")
        return named.get(schema, _ITEM_BYTES.get(schema, 1))
    kind = schema["type"]
    if kind == "record":
        inner = (*open_names, schema["name"])
        size = sum(_smallest_size(field["type"], named, inner) for field in schema["fields"])
        named[schema["name"]] = size
        return size
    if kind == "fixed":
        named[schema["name"]] = int(schema["size"])
        return int(schema["size"])
    if kind == "array" and _smallest_size(schema["items"], named, open_names) == 0:
        raise _unsupported("it has an array of items that take no bytes")
    if kind == "map":
        _smallest_size(schema["values"], named, open_names)
    if kind not in {"array", "map", "enum"}:
        return _smallest_size(kind, named, open_names)
    return 1
