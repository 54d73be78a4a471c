import hashlib
from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots import IntegrityError, Manifest, ManifestRef, SnapshotHeader, SnapshotScope
from snapshots.chunk import ChunkEntry
from snapshots.manifest import decode_manifest, encode_manifest
from tests.snapshots.builders import HEADER, SCOPE
from tests.snapshots.fuzz import UNHURRIED, damaged, reseal, resealed


def _entry(number: int, rows: int = 64) -> ChunkEntry:
    return ChunkEntry(hashlib.sha256(bytes([number])).hexdigest(), rows)


MANIFEST = Manifest(
    scope=SCOPE,
    offset=1000,
    journal_position=77,
    header=HEADER,
    chunks=(_entry(1), _entry(2), _entry(3, rows=5)),
    parent=ManifestRef(900, "ab" * 32),
    created_at_ns=1_700_000_000_000_000_000,
    last_decision=(3, 5),
)
SEALED = encode_manifest(MANIFEST)
TOPIC_ID = "DWDuTpcIRRCLDhmhOigK9g"
REF = ManifestRef(1000, SEALED.digest)


def _decode_document(changes: dict[str, object]) -> Manifest:
    document = {**msgpack.unpackb(SEALED.data[:-64]), **changes}
    data = reseal(msgpack.packb(document))
    return decode_manifest(data, SCOPE, ManifestRef(1000, data[-64:].decode()))


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        replace(MANIFEST, chunks=(), parent=None, created_at_ns=None, last_decision=None),
        replace(MANIFEST, parent=ManifestRef(1000, "ab" * 32)),
        replace(MANIFEST, topic_id=TOPIC_ID),
    ],
    ids=["full", "empty", "another one of the same offset", "of a known topic"],
)
def test_round_trip(manifest: Manifest) -> None:
    sealed = encode_manifest(manifest)
    assert decode_manifest(sealed.data, SCOPE, ManifestRef(1000, sealed.digest)) == manifest
    assert manifest.row_count == sum(chunk.rows for chunk in manifest.chunks)


def test_equal_content_in_another_order_gives_the_same_bytes() -> None:
    header = SnapshotHeader(
        schema_version=HEADER.schema_version,
        config={"half_lives": [2, 8, 32], "log_sig_depth": 3, "epsilon": 1e-3},
        fingerprint=HEADER.fingerprint,
        runtime=dict(reversed(list(HEADER.runtime.items()))),
        blocks=HEADER.blocks,
        dtype=HEADER.dtype,
    )
    assert encode_manifest(replace(MANIFEST, header=header)) == SEALED


def test_everything_is_part_of_the_digest() -> None:
    others = [
        replace(MANIFEST, offset=1001),
        replace(MANIFEST, journal_position=78),
        replace(MANIFEST, header=replace(HEADER, config={**HEADER.config, "epsilon": 2e-3})),
        replace(MANIFEST, header=replace(HEADER, runtime={})),
        replace(MANIFEST, chunks=MANIFEST.chunks[:2]),
        replace(MANIFEST, parent=None),
        replace(MANIFEST, created_at_ns=None),
        replace(MANIFEST, last_decision=(2, 5)),
        replace(MANIFEST, scope=SnapshotScope("other", "ticks", 3)),
        replace(MANIFEST, topic_id=TOPIC_ID),
    ]
    assert len({SEALED.digest, *(encode_manifest(other).digest for other in others)}) == 11


def test_where_no_topic_is_known_the_bytes_are_those_of_older_releases() -> None:
    """Or a copy of their snapshots had another digest than the commit names."""
    assert "topic_id" not in msgpack.unpackb(SEALED.data[:-64])
    with pytest.raises(IntegrityError, match="topic_id"):
        _decode_document({"topic_id": 7})


@UNHURRIED
@given(damaged(SEALED.data))
def test_damage_is_always_an_integrity_error(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_manifest(data, SCOPE, REF)


@UNHURRIED
@given(resealed(SEALED.data))
def test_resealed_damage_decodes_or_is_an_integrity_error(data: bytes) -> None:
    ref = ManifestRef(1000, hashlib.sha256(data[:-64]).hexdigest())
    try:
        manifest = decode_manifest(data, SCOPE, ref)
    except IntegrityError:
        return
    assert manifest.offset == 1000
    assert all(0 < chunk.rows <= 64 for chunk in manifest.chunks)


@UNHURRIED
@given(st.binary(max_size=300))
def test_random_bytes_are_an_integrity_error(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_manifest(data, SCOPE, REF)


@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 1001},
        {"offset": True},
        {"partition": 4},
        {"group": "other"},
        {"journal_position": -1},
        {"journal_position": 2**63},
        {"created_at_ns": "now"},
        {"last_decision": [3]},
        {"last_decision": [3, True]},
        {"chunk_rows": bytes([64, 63, 5])},
        {"chunk_rows": bytes([64, 64, 0])},
        {"chunk_rows": bytes([64, 64, 65])},
        {"chunk_rows": bytes([64, 5])},
        {"blocks": [["global", 0, 3], ["global", 3, 4]]},
        {"blocks": [["global", 1, 3]]},
        {"blocks": [["global", 0, 3.0]]},
        {"blocks": [["global", 0]]},
        {"dtype": "float16"},
        {"dtype": "O"},
        {"config": []},
        {"runtime": {"jax": 1}},
        {"parent": [1, "ab"]},
        {"parent": [1001, "ab" * 32]},
        {"parent": {}},
        {"format": "tickfleet.manifest.2"},
    ],
    ids=str,
)
def test_wrong_entries_are_integrity_errors(changes: dict[str, object]) -> None:
    assert _decode_document({}) == MANIFEST
    with pytest.raises(IntegrityError):
        _decode_document(changes)


def test_the_name_must_match() -> None:
    with pytest.raises(IntegrityError):
        decode_manifest(SEALED.data, SCOPE, ManifestRef(1000, "0" * 64))
    with pytest.raises(IntegrityError):
        decode_manifest(SEALED.data, SCOPE, ManifestRef(999, SEALED.digest))
    with pytest.raises(IntegrityError):
        decode_manifest(SEALED.data, SnapshotScope("group", "ticks", 4), REF)
