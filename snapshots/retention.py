"""What may be deleted: old manifests, then chunks that no remaining manifest lists.

Manifests go first and chunks are judged by what is left, so a crash between two deletions leaves
garbage but never a listed chunk missing. Call it only for a partition that is owned: age protects
what another owner is writing at this moment, nothing else can. Of snapshots of another topic of the
same name it is not known which of them somebody needs: they stay.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from snapshots.known_manifests import KnownManifest, KnownManifests
from snapshots.manifest import is_foreign
from snapshots.scope import ManifestRef, SnapshotScope, is_digest
from snapshots.store import ObjectStore

__all__ = ["GRACE_AGE_S", "GarbageReport", "collect_garbage"]

GRACE_AGE_S: Final = 3600.0
"""Workers leave what is younger: its manifest may not be written, or no commit name it yet."""

_DELETED_AT_ONCE: Final = 500
"""A store that takes them one by one is asked to stop within seconds."""

_Manifests: TypeAlias = Mapping[ManifestRef, KnownManifest | None]


@dataclass(frozen=True, slots=True)
class GarbageReport:
    """`kept`: manifests that remain, newest first. `unreadable`: those of them that are damaged;
    while there are any, no chunk is deleted, as theirs are not known. `missing_chunks`: how many of
    those in use the store does not have. `foreign`: those kept that are of another topic."""

    kept: tuple[ManifestRef, ...]
    unreadable: tuple[ManifestRef, ...]
    deleted_manifests: int
    deleted_chunks: int
    missing_chunks: int
    foreign: tuple[ManifestRef, ...] = ()


def collect_garbage(
    store: ObjectStore,
    scope: SnapshotScope,
    *,
    keep: int,
    protected: Collection[str],
    older_than_s: float,
    in_use: Collection[str] = (),
    topic_id: str | None = None,
    known: KnownManifests | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> GarbageReport:
    """Keep the newest `keep` sound manifests, every protected digest and its parent, chunks in use,
    and all that was modified at `older_than_s` (epoch seconds, the store's clock) or later.

    Where `topic_id` is known, what is of another topic neither goes nor counts. `known`: of this
    scope, spares reading manifests again. Blocks; asks `should_stop` before each request to delete.
    A stop or a `StoreError` leaves garbage for the next call.
    """
    listed = _list_manifests(store, scope)
    manifests = (known or KnownManifests()).look(store, scope, listed)
    foreign = {ref for ref, one in manifests.items() if one and is_foreign(one.topic_id, topic_id)}
    ours = {ref: one for ref, one in manifests.items() if ref not in foreign}
    kept = _newest_sound(ours, keep) | _protected(manifests, protected) | foreign
    kept |= {ref for ref, modified_s in listed.items() if modified_s >= older_than_s}
    doomed = [scope.manifest_key(ref) for ref in listed if ref not in kept]
    deleted_manifests = _delete(store, doomed, should_stop)
    unreadable = tuple(sorted((ref for ref in kept if manifests[ref] is None), reverse=True))
    listed_chunks = {
        digest
        for ref in kept
        if (manifest := manifests[ref]) is not None
        for digest in manifest.chunks
    }
    stored = _list_chunks(store, scope)
    orphans = [
        scope.chunk_key(digest)
        for digest, modified_s in stored.items()
        if modified_s < older_than_s and digest not in listed_chunks and digest not in in_use
    ]
    return GarbageReport(
        kept=tuple(sorted(kept, reverse=True)),
        unreadable=unreadable,
        deleted_manifests=deleted_manifests,
        deleted_chunks=0 if unreadable else _delete(store, orphans, should_stop),
        missing_chunks=len(set(in_use) - stored.keys()),
        foreign=tuple(sorted(foreign, reverse=True)),
    )


def _list_manifests(store: ObjectStore, scope: SnapshotScope) -> dict[ManifestRef, float]:
    """Manifest -> time of modification, newest offset first."""
    found = {
        ref: entry.modified_s
        for entry in store.entries(scope.manifest_prefix)
        if (ref := scope.parse_manifest_key(entry.key)) is not None
    }
    return dict(sorted(found.items(), reverse=True))


def _newest_sound(manifests: _Manifests, keep: int) -> set[ManifestRef]:
    """A damaged manifest must not take the place of a sound one."""
    sound = [ref for ref, manifest in manifests.items() if manifest is not None]
    return set(sound[:keep])


def _protected(manifests: _Manifests, digests: Collection[str]) -> set[ManifestRef]:
    named = {ref for ref in manifests if ref.digest in digests}
    parents = {
        manifest.parent
        for ref in named
        if (manifest := manifests[ref]) is not None and manifest.parent is not None
    }
    return named | (parents & manifests.keys())


def _list_chunks(store: ObjectStore, scope: SnapshotScope) -> dict[str, float]:
    """Digest of a chunk -> time of modification."""
    return {
        digest: entry.modified_s
        for entry in store.entries(scope.chunk_prefix)
        if is_digest(digest := entry.key.removeprefix(scope.chunk_prefix))
    }


def _delete(store: ObjectStore, keys: list[str], should_stop: Callable[[], bool]) -> int:
    deleted = 0
    for start in range(0, len(keys), _DELETED_AT_ONCE):
        if should_stop():
            break
        some = keys[start : start + _DELETED_AT_ONCE]
        store.delete_all(some)
        deleted += len(some)
    return deleted
