"""Manifests: one complete list of a snapshot's chunks, and everything needed to go on from it.

A manifest always lists every chunk, so no snapshot depends on another; `parent` only says where
to look when this one turns out damaged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from snapshots.chunk import CHUNK_ROWS, ChunkEntry
from snapshots.envelope import Sealed, get_field, get_map, seal, unseal
from snapshots.errors import IntegrityError, InvalidSnapshotError
from snapshots.header import SnapshotHeader
from snapshots.scope import MAX_INT64, ManifestRef, SnapshotScope

__all__ = ["MAX_MANIFEST_BYTES", "Manifest", "decode_manifest", "encode_manifest", "is_foreign"]

MAX_MANIFEST_BYTES = 1 << 26
"""64 MiB: two million chunks of 64 assets in one partition."""

_FORMAT = "tickfleet.manifest.1"
_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class Manifest:
    """One snapshot of one partition.

    `offset`: next input offset of the state. `journal_position`: journal offset to read from.
    `chunks` in row order, all of 64 rows but the last. `parent`: the snapshot before, or None.
    `created_at_ns`: the caller's clock, or None; never part of a chunk. `last_decision`: see
    `PartitionImage`. `topic_id`: the id that Kafka gave the ticks topic when it was created, None
    in older snapshots and copies, which are of whichever topic has the name.
    """

    scope: SnapshotScope
    offset: int
    journal_position: int
    header: SnapshotHeader
    chunks: tuple[ChunkEntry, ...]
    parent: ManifestRef | None
    created_at_ns: int | None = None
    last_decision: tuple[int, int] | None = None
    topic_id: str | None = None

    @property
    def row_count(self) -> int:
        return sum(chunk.rows for chunk in self.chunks)

    def is_foreign(self, topic_id: str | None) -> bool:
        """Whether it is of another topic than this one, as far as both are known."""
        return is_foreign(self.topic_id, topic_id)


def is_foreign(theirs: str | None, ours: str | None) -> bool:
    """Whether two ids are of two topics, as far as both are known."""
    return None not in (theirs, ours) and theirs != ours


def encode_manifest(manifest: Manifest) -> Sealed:
    """Serialise; the digest is the one that `ManifestRef` names."""
    header, parent = manifest.header, manifest.parent
    return seal(
        {
            "format": _FORMAT,
            "group": manifest.scope.group,
            "topic": manifest.scope.topic,
            "partition": manifest.scope.partition,
            "offset": manifest.offset,
            "journal_position": manifest.journal_position,
            "schema_version": header.schema_version,
            "config": dict(header.config),
            "fingerprint": header.fingerprint,
            "runtime": dict(header.runtime),
            "dtype": header.dtype,
            "blocks": [[name, start, stop] for name, (start, stop) in header.blocks.items()],
            # Two byte columns, 33 bytes a chunk: a list of maps would be twice as large and its
            # length a number that the reader has to trust.
            "chunk_sha256": b"".join(bytes.fromhex(chunk.sha256) for chunk in manifest.chunks),
            "chunk_rows": bytes(chunk.rows for chunk in manifest.chunks),
            "parent": None if parent is None else [parent.offset, parent.digest],
            "created_at_ns": manifest.created_at_ns,
            "last_decision": manifest.last_decision,
            # Left out where it is not known: a copy of an older snapshot keeps its digest.
            **({} if manifest.topic_id is None else {"topic_id": manifest.topic_id}),
        }
    )


def decode_manifest(data: bytes, scope: SnapshotScope, ref: ManifestRef) -> Manifest:
    """Verify and decode the manifest that `ref` names. Raises `IntegrityError` for all else."""
    document = unseal(data, digest=ref.digest)
    if get_field(document, "format", str) != _FORMAT:
        raise IntegrityError(f"not a {_FORMAT} document")
    found = (document.get("group"), document.get("topic"), document.get("partition"))
    if found != (scope.group, scope.topic, scope.partition):
        raise IntegrityError("the manifest belongs to another group, topic or partition")
    if get_field(document, "offset", int) != ref.offset:
        raise IntegrityError("the manifest is of another offset than its key says")
    created = document.get("created_at_ns")
    return Manifest(
        scope=scope,
        offset=ref.offset,
        journal_position=_offset(document.get("journal_position"), "journal_position"),
        header=_header(document),
        chunks=_chunks(document),
        parent=_parent(document.get("parent"), ref),
        created_at_ns=None if created is None else _offset(created, "created_at_ns"),
        last_decision=_decision(document.get("last_decision")),
        topic_id=get_field(document, "topic_id", str) if "topic_id" in document else None,
    )


def _offset(value: object, name: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INT64:
        raise IntegrityError(f"{name} is not a number from 0 to 2^63-1")
    return value


def _decision(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if type(value) is not list or [type(part) for part in value] != [int, int]:
        raise IntegrityError("last_decision is not a list of [depth, kernel_mask]")
    return value[0], value[1]


def _header(document: Mapping[str, object]) -> SnapshotHeader:
    runtime = get_map(document.get("runtime"), "runtime")
    if not all(type(value) is str for value in runtime.values()):
        raise IntegrityError("runtime holds something else than text")
    try:
        return SnapshotHeader(
            schema_version=get_field(document, "schema_version", str),
            config=get_map(document.get("config"), "config"),
            fingerprint=get_field(document, "fingerprint", str),
            runtime=cast("dict[str, str]", runtime),
            blocks=_blocks(get_field(document, "blocks", list)),
            dtype=get_field(document, "dtype", str),
        )
    except (InvalidSnapshotError, RecursionError) as error:
        raise IntegrityError(f"unusable header: {error}") from error


def _blocks(value: Sequence[object]) -> dict[str, tuple[int, int]]:
    blocks: dict[str, tuple[int, int]] = {}
    for item in value:
        if type(item) is not list or [type(part) for part in item] != [str, int, int]:
            raise IntegrityError("blocks are not a list of [name, start, stop]")
        name, start, stop = item
        if name in blocks:
            raise IntegrityError(f"block {name!r:.40} is listed twice")
        blocks[name] = (start, stop)
    return blocks


def _chunks(document: Mapping[str, object]) -> tuple[ChunkEntry, ...]:
    digests = get_field(document, "chunk_sha256", bytes)
    rows = get_field(document, "chunk_rows", bytes)
    if len(digests) != _SHA256_BYTES * len(rows):
        raise IntegrityError(f"{len(rows)} chunks with {len(digests)} bytes of hashes")
    if any(count != CHUNK_ROWS for count in rows[:-1]) or not all(
        0 < count <= CHUNK_ROWS for count in rows[-1:]
    ):
        raise IntegrityError(f"a chunk other than the last does not hold {CHUNK_ROWS} rows")
    starts = range(0, len(digests), _SHA256_BYTES)
    return tuple(
        ChunkEntry(sha256=digests[start : start + _SHA256_BYTES].hex(), rows=count)
        for start, count in zip(starts, rows, strict=True)
    )


def _parent(value: object, ref: ManifestRef) -> ManifestRef | None:
    if value is None:
        return None
    if type(value) is not list or [type(part) for part in value] != [int, str]:
        raise IntegrityError("parent is not [offset, digest]")
    parent = ManifestRef(offset=value[0], digest=value[1])
    if parent.offset > ref.offset:
        raise IntegrityError("the parent is of a larger offset than the snapshot itself")
    return parent
