import contextlib
import hashlib
import tracemalloc
from collections.abc import Callable

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots import IntegrityError, InvalidSnapshotError, seal, unseal
from tests.snapshots.fuzz import UNHURRIED, VALUES, damaged, reseal

DOCUMENT: dict[str, object] = {"text": "é", "number": -5, "bytes": bytes(range(256)), "none": None}


def test_layout_is_msgpack_then_its_sha256_in_hex() -> None:
    sealed = seal(DOCUMENT)
    assert msgpack.unpackb(sealed.data[:-64]) == DOCUMENT
    assert sealed.data[-64:].decode() == hashlib.sha256(sealed.data[:-64]).hexdigest()
    assert sealed.digest == sealed.data[-64:].decode()


def test_unseal_returns_what_was_sealed_under_its_name() -> None:
    sealed = seal(DOCUMENT)
    assert unseal(sealed.data) == DOCUMENT
    assert unseal(sealed.data, digest=sealed.digest) == DOCUMENT
    with pytest.raises(IntegrityError, match="not aaaa"):
        unseal(sealed.data, digest="a" * 64)


@UNHURRIED
@given(damaged(seal(DOCUMENT).data))
def test_damage_is_always_found(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        unseal(data)


@UNHURRIED
@given(st.binary(max_size=200).map(reseal))
def test_foreign_payloads_give_a_map_or_an_integrity_error(data: bytes) -> None:
    with contextlib.suppress(IntegrityError):
        assert isinstance(unseal(data), dict)


@UNHURRIED
@given(VALUES.filter(lambda value: not isinstance(value, dict)))
def test_other_documents_than_maps_are_refused(value: object) -> None:
    with pytest.raises(IntegrityError):
        unseal(reseal(msgpack.packb(value)))


@pytest.mark.parametrize(
    "wrap", [lambda items: items, lambda items: dict.fromkeys(map(str, items))]
)
def test_containers_are_capped_on_both_sides(wrap: Callable[[list[int]], object]) -> None:
    full: dict[str, object] = {"deep": [wrap(list(range(4096)))]}
    over: dict[str, object] = {"deep": [wrap(list(range(4097)))]}
    assert unseal(seal(full).data) == full
    with pytest.raises(InvalidSnapshotError):
        seal(over)
    with pytest.raises(IntegrityError):
        unseal(reseal(msgpack.packb(over)))


BOMBS = {
    "nested arrays": b"\xdd\xff\xff\xff\xff" * 1000,
    "nested arrays within the cap": b"\xdc\x10\x00" * 1000,
    # A real length of 1 MiB makes each of these hundred claims of 8 MiB plausible by itself.
    "nested arrays in a large document": b"\xdd\x00\x10\x00\x00" * 100 + b"\xc0" * (1 << 20),
    "nested maps": b"\xdf\xff\xff\xff\xff" * 1000,
    "deep nesting": b"\x91" * 100_000 + b"\xc0",
    "large bytes": b"\xc6\xff\xff\xff\xff",
    "large text": b"\xdb\xff\xff\xff\xff",
    "extension": b"\xc9\xff\xff\xff\xff\x01",
    "timestamp": b"\xc7\x00\xff",
    "two documents": b"\x80\x80",
    "map with number keys": b"\x81\x01\x01",
    "map with a map as key": b"\x81\x80\x01",
    "bad utf-8": b"\x81\xa1\xff\x01",
    "reserved byte": b"\xc1",
    "nothing": b"",
}


@pytest.mark.parametrize("payload", BOMBS.values(), ids=BOMBS.keys())
def test_hostile_payloads_are_refused_in_bounded_memory(payload: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError):
            unseal(reseal(payload))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


def test_an_integrity_error_is_a_value_error() -> None:
    """Specification, section 6: `load_snapshot` raises ValueError."""
    with pytest.raises(ValueError, match="checksum"):
        unseal(b"x" * 100)
