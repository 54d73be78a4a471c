"""What the stored manifests of one partition say, so far as garbage is told by it.

A manifest never changes: its name is its hash. So each is read once, and what is kept of it is
small: an hour's manifests are several hundred, and a store in a cloud takes its time for each.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from snapshots.errors import IntegrityError, ObjectNotFoundError
from snapshots.load import load_manifest
from snapshots.scope import ManifestRef, SnapshotScope
from snapshots.store import ObjectStore

__all__ = ["KnownManifest", "KnownManifests"]

_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KnownManifest:
    """`parent` and `topic_id` as in `Manifest`; `packed`: its chunks' SHA-256, 32 bytes each."""

    parent: ManifestRef | None
    topic_id: str | None
    packed: bytes

    @property
    def chunks(self) -> Iterator[str]:
        """The digests of its chunks."""
        for start in range(0, len(self.packed), _DIGEST_BYTES):
            yield self.packed[start : start + _DIGEST_BYTES].hex()


class KnownManifests:
    """Remembers those that were read. For one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[ManifestRef, KnownManifest] = {}

    def look(
        self, store: ObjectStore, scope: SnapshotScope, refs: Iterable[ManifestRef]
    ) -> Mapping[ManifestRef, KnownManifest | None]:
        """Each of `refs`, in order; None for a damaged one. Others are forgotten. Blocks.

        Raises `StoreError` and `StoreAccessError`; what was read until then is remembered.
        """
        listed = list(refs)
        self._known = {ref: self._known[ref] for ref in listed if ref in self._known}
        for ref in listed:
            if ref not in self._known and (found := _read(store, scope, ref)) is not None:
                self._known[ref] = found
        return {ref: self._known.get(ref) for ref in listed}


def _read(store: ObjectStore, scope: SnapshotScope, ref: ManifestRef) -> KnownManifest | None:
    try:
        manifest = load_manifest(store, scope, ref)
    except (IntegrityError, ObjectNotFoundError):
        return None
    packed = b"".join(bytes.fromhex(chunk.sha256) for chunk in manifest.chunks)
    return KnownManifest(manifest.parent, manifest.topic_id, packed)
