"""What a store holds of a group's topic, without reading a single chunk."""

from dataclasses import dataclass

from snapshots import ManifestRef, ObjectStore, SnapshotScope

__all__ = ["StoredSnapshot", "stored_partitions", "stored_snapshots"]


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One manifest in the store; `modified_s` is the store's clock, seconds since the epoch."""

    ref: ManifestRef
    size_bytes: int
    modified_s: float


def stored_snapshots(store: ObjectStore, scope: SnapshotScope) -> list[StoredSnapshot]:
    """Every manifest of the scope, newest offset first; not verified."""
    found = (
        StoredSnapshot(ref, entry.size_bytes, entry.modified_s)
        for entry in store.entries(scope.manifest_prefix)
        if (ref := scope.parse_manifest_key(entry.key)) is not None
    )
    return sorted(found, key=lambda one: one.ref, reverse=True)


def stored_partitions(store: ObjectStore, group: str, topic: str) -> list[int]:
    """The partitions of which the store holds anything."""
    # The prefix of partition 0 without its number: names are escaped in one place only.
    prefix = SnapshotScope(group, topic, 0).prefix.removesuffix("0/")
    segments = {key.removeprefix(prefix).partition("/")[0] for key in store.list(prefix)}
    return sorted(int(segment) for segment in segments if segment.isdecimal())
