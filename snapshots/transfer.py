"""Takes a snapshot to another store, group, topic, offset or configuration.

Chunks are copied byte for byte: they hold neither names nor offsets. Only the manifest is
written anew, after them, as everywhere.
"""

from dataclasses import replace

from snapshots.chunk import ChunkEntry, decode_chunk, max_chunk_bytes
from snapshots.envelope import Sealed
from snapshots.errors import IntegrityError, ObjectNotFoundError, SnapshotMismatchError
from snapshots.header import SnapshotHeader, layout_differences
from snapshots.manifest import Manifest, encode_manifest
from snapshots.scope import ManifestRef, SnapshotScope
from snapshots.store import ObjectStore

__all__ = ["copy_snapshot", "retarget"]


def retarget(
    manifest: Manifest,
    scope: SnapshotScope,
    *,
    begin_at: int | None = None,
    header: SnapshotHeader | None = None,
) -> Manifest:
    """The manifest of the same state under another scope.

    Args:
        manifest: the snapshot.
        scope: where it is to live. Another one than its own has a journal of its own, so its
            journal position is 0, and its parents are not taken along. Nor is the topic's id: the
            copy is of whichever topic it is restored for.
        begin_at: the next input offset, where the input is another topic than it was.
        header: another configuration of the same state layout.

    Raises:
        SnapshotMismatchError: the layouts differ.
    """
    if header is not None and (names := layout_differences(manifest.header, header)):
        raise SnapshotMismatchError(
            f"the state's {' and '.join(names)} differ: a new group must build its state anew",
            names,
        )
    changed = replace(manifest, header=header or manifest.header)
    if scope == manifest.scope and begin_at is None and header is None:
        return changed
    return replace(
        changed,
        scope=scope,
        offset=manifest.offset if begin_at is None else begin_at,
        journal_position=0,
        parent=None,
        topic_id=None,
    )


def copy_snapshot(
    source: ObjectStore,
    manifest: Manifest,
    target: ObjectStore,
    wanted: Manifest,
    *,
    sound: set[str] | None = None,
) -> ManifestRef:
    """Copy every chunk of `manifest`, verified, then write `wanted`, its `retarget`. Blocks.

    A chunk that the target has is read, and written anew where it is damaged there.

    Args:
        source: has the snapshot.
        manifest: of the snapshot.
        target: is to have it.
        wanted: its manifest there.
        sound: digests of chunks that an earlier copy into this scope has verified there; those of
            this one are added.

    Raises:
        IntegrityError, ObjectNotFoundError: a chunk is damaged or missing; nothing names the rest.
        StoreError, StoreAccessError: a store does not answer, or refuses.
    """
    sound = set() if sound is None else sound
    present = set(target.list(wanted.scope.chunk_prefix))
    for entry in manifest.chunks:
        if entry.sha256 in sound:
            continue
        key = wanted.scope.chunk_key(entry.sha256)
        if key not in present or not _is_sound(target, key, entry, manifest.header):
            there = manifest.scope.chunk_key(entry.sha256)
            target.put(key, _verified(source, there, entry, manifest.header))
        sound.add(entry.sha256)
    sealed: Sealed = encode_manifest(wanted)
    ref = ManifestRef(wanted.offset, sealed.digest)
    target.put(wanted.scope.manifest_key(ref), sealed.data)
    return ref


def _is_sound(store: ObjectStore, key: str, entry: ChunkEntry, header: SnapshotHeader) -> bool:
    try:
        _verified(store, key, entry, header)
    except (IntegrityError, ObjectNotFoundError):
        return False
    return True


def _verified(store: ObjectStore, key: str, entry: ChunkEntry, header: SnapshotHeader) -> bytes:
    data = store.get(key, max_bytes=max_chunk_bytes(header, entry.rows))
    decode_chunk(data, entry, header)
    return data
