"""Sealed documents: msgpack, then the SHA-256 of it as 64 hexadecimal characters.

The layout of the specification's snapshot file (section 6). Encoding is deterministic: the same
content gives the same bytes, so the trailer names the content. `unseal` raises `IntegrityError`
and nothing else, and what it allocates is bounded by a small multiple of the bytes given.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import msgpack

from snapshots.errors import IntegrityError, InvalidSnapshotError

__all__ = ["TRAILER_BYTES", "Sealed", "get_field", "get_map", "seal", "unseal"]

TRAILER_BYTES = 64
# A header of a few bytes can claim any length, and releases of msgpack before 1.2 allocate
# containers before they fill them: 1024 nested claims of the whole buffer would multiply its size.
_MAX_ITEMS = 4096

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed document: its bytes, trailer included, and the digest that names it."""

    data: bytes
    digest: str


def seal(document: Mapping[str, object]) -> Sealed:
    """Serialise plain data (str, int, float, bool, None, bytes, lists, maps with str keys).

    Raises `InvalidSnapshotError` for a list or map of more than 4096 items, which `unseal` would
    not read back: large content belongs into bytes.
    """
    _check_lengths(document)
    payload = cast("bytes", msgpack.packb(document, use_bin_type=True))
    digest = hashlib.sha256(payload).hexdigest()
    return Sealed(data=payload + digest.encode("ascii"), digest=digest)


def _check_lengths(value: object) -> None:
    if isinstance(value, Mapping | list | tuple):
        if len(value) > _MAX_ITEMS:
            raise InvalidSnapshotError(f"a container of {len(value)} items: store it as bytes")
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_lengths(item)


def unseal(data: bytes, *, digest: str | None = None) -> dict[str, object]:
    """The document of sealed bytes; `digest`, if given, is the name it must have.

    Raises `IntegrityError` for anything else than what `seal` wrote.
    """
    payload, trailer = memoryview(data)[:-TRAILER_BYTES], data[-TRAILER_BYTES:]
    if len(data) <= TRAILER_BYTES:
        raise IntegrityError(f"truncated: {len(data)} bytes cannot hold a document and its SHA-256")
    actual = hashlib.sha256(payload).hexdigest()
    if trailer != actual.encode("ascii"):
        raise IntegrityError("checksum mismatch: the bytes were altered or cut since written")
    if digest is not None and digest != actual:
        raise IntegrityError(f"holds document {actual[:12]}, not {digest[:12]} as its name says")
    try:
        document = msgpack.unpackb(
            payload,
            raw=False,
            strict_map_key=True,
            max_array_len=_MAX_ITEMS,
            max_map_len=_MAX_ITEMS,
            max_ext_len=0,
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(f"not a msgpack document: {error}") from error
    return get_map(document, "document")


def get_map(value: object, name: str) -> dict[str, object]:
    """`value` as a map with text keys, else `IntegrityError`."""
    if type(value) is not dict or not all(type(key) is str for key in value):
        raise IntegrityError(f"{name} is not a map with text keys")
    return value


def get_field(document: Mapping[str, object], name: str, kind: type[_T]) -> _T:
    """The entry `name`, of exactly this type (a bool is no int), else `IntegrityError`."""
    value = document.get(name)
    if type(value) is not kind:
        raise IntegrityError(f"entry {name!r} is {type(value).__name__}, expected {kind.__name__}")
    return value
