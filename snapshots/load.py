"""Reading snapshots: fetch, verify every hash, decode. Nothing here decides what to do on damage.

Raises `IntegrityError` or `ObjectNotFoundError` for a snapshot that cannot be used, `StoreError`
when the store cannot be reached: only the first two say anything about the snapshot.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from snapshots.chunk import CHUNK_ROWS, Chunk, ChunkEntry, decode_chunk, max_chunk_bytes
from snapshots.errors import IntegrityError, ObjectNotFoundError
from snapshots.image import PartitionImage
from snapshots.manifest import MAX_MANIFEST_BYTES, Manifest, decode_manifest
from snapshots.scope import ManifestRef, SnapshotScope
from snapshots.store import ObjectStore

__all__ = ["list_snapshots", "load_image", "load_manifest", "missing_chunks", "newest_snapshot"]

_T = TypeVar("_T")


def list_snapshots(store: ObjectStore, scope: SnapshotScope) -> list[ManifestRef]:
    """Every manifest stored for the scope, newest first; not verified."""
    refs = map(scope.parse_manifest_key, store.list(scope.manifest_prefix))
    return sorted((ref for ref in refs if ref is not None), reverse=True)


def load_manifest(store: ObjectStore, scope: SnapshotScope, ref: ManifestRef) -> Manifest:
    """The verified manifest that `ref` names."""
    return _read(
        store,
        scope.manifest_key(ref),
        MAX_MANIFEST_BYTES,
        lambda data: decode_manifest(data, scope, ref),
    )


def newest_snapshot(
    store: ObjectStore, scope: SnapshotScope, topic_id: str | None
) -> ManifestRef | None:
    """The newest that can be read and is not of another topic; its chunks are not looked at."""
    for ref in list_snapshots(store, scope):
        try:
            if not load_manifest(store, scope, ref).is_foreign(topic_id):
                return ref
        except (IntegrityError, ObjectNotFoundError):
            continue
    return None


def missing_chunks(store: ObjectStore, manifest: Manifest) -> int:
    """How many of its chunks the store does not list; none is read."""
    stored = set(store.list(manifest.scope.chunk_prefix))
    listed = {manifest.scope.chunk_key(chunk.sha256) for chunk in manifest.chunks}
    return len(listed - stored)


def load_image(store: ObjectStore, manifest: Manifest, *, parallel: int = 8) -> PartitionImage:
    """The state that a manifest lists, every chunk verified; no row is dirty.

    Reads `parallel` chunks at a time straight into their place: besides the image itself, no
    more than `parallel` chunks are in memory.
    """
    rows = manifest.row_count
    state = np.empty((rows, manifest.header.features), dtype=manifest.header.dtype)
    last_timestamp_ns = np.empty(rows, dtype=np.int64)
    sequence = np.empty(rows, dtype=np.int64)

    def fill(index: int) -> tuple[str, ...]:
        entry = manifest.chunks[index]
        chunk = _load_chunk(store, manifest, entry)
        place = slice(index * CHUNK_ROWS, index * CHUNK_ROWS + entry.rows)
        state[place] = chunk.rows
        last_timestamp_ns[place] = chunk.last_timestamp_ns
        sequence[place] = chunk.sequence
        return chunk.asset_ids

    pool = ThreadPoolExecutor(parallel, thread_name_prefix="snapshot-restore")
    try:
        parts = list(pool.map(fill, range(len(manifest.chunks))))
    finally:
        # On the first failure the rest is not worth reading.
        pool.shutdown(wait=True, cancel_futures=True)
    asset_ids = tuple(asset for part in parts for asset in part)
    if len(set(asset_ids)) != rows:
        raise IntegrityError("an asset is listed twice")
    return PartitionImage(
        offset=manifest.offset,
        journal_position=manifest.journal_position,
        asset_ids=asset_ids,
        rows=state,
        last_timestamp_ns=last_timestamp_ns,
        sequence=sequence,
        dirty=np.zeros(rows, dtype=np.bool_),
        last_decision=manifest.last_decision,
        topic_id=manifest.topic_id,
    )


def _load_chunk(store: ObjectStore, manifest: Manifest, entry: ChunkEntry) -> Chunk:
    return _read(
        store,
        manifest.scope.chunk_key(entry.sha256),
        max_chunk_bytes(manifest.header, entry.rows),
        lambda data: decode_chunk(data, entry, manifest.header),
    )


def _read(store: ObjectStore, key: str, max_bytes: int, decode: Callable[[bytes], _T]) -> _T:
    """Fetch and decode; once more on damage, which may have happened on the way only."""
    try:
        return decode(store.get(key, max_bytes=max_bytes))
    except IntegrityError:
        pass
    try:
        return decode(store.get(key, max_bytes=max_bytes))
    except IntegrityError as error:
        raise IntegrityError(f"{key}: {error}") from error
