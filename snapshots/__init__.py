"""Snapshots of a partition's state: format, object stores, writer, restore, retention.

No Kafka and no clock in here but the store's and the one that tells the age of garbage. The one
invariant: whatever is damaged, missing or half-written is found out before it is used.
"""

from snapshots.arrays import pack_array, unpack_array
from snapshots.chunk import CHUNK_ROWS
from snapshots.compare import SnapshotDifference, compare
from snapshots.current import current_header
from snapshots.envelope import Sealed, seal, unseal
from snapshots.errors import (
    AnotherTopicError,
    IntegrityError,
    InvalidSnapshotError,
    NoValidSnapshotError,
    ObjectNotFoundError,
    SnapshotBusyError,
    SnapshotMismatchError,
    StoreAccessError,
    StoreError,
    WriterClosedError,
)
from snapshots.header import SnapshotHeader
from snapshots.image import PartitionImage, state_digest
from snapshots.load import (
    list_snapshots,
    load_image,
    load_manifest,
    missing_chunks,
    newest_snapshot,
)
from snapshots.manifest import Manifest
from snapshots.open_store import check_store_url, open_existing, open_store
from snapshots.rehearsal import RehearsalStore
from snapshots.report import RestoreAttempt, RestoreReport
from snapshots.restore import Restored, restore
from snapshots.retention import GRACE_AGE_S, GarbageReport, collect_garbage
from snapshots.scope import ManifestRef, SnapshotScope
from snapshots.single import SingleSnapshot, decode_single, encode_single
from snapshots.store import ObjectEntry, ObjectStore
from snapshots.store_options import StoreOptions
from snapshots.transfer import copy_snapshot, retarget
from snapshots.writer import SnapshotWriter

__all__ = [
    "CHUNK_ROWS",
    "GRACE_AGE_S",
    "AnotherTopicError",
    "GarbageReport",
    "IntegrityError",
    "InvalidSnapshotError",
    "Manifest",
    "ManifestRef",
    "NoValidSnapshotError",
    "ObjectEntry",
    "ObjectNotFoundError",
    "ObjectStore",
    "PartitionImage",
    "RehearsalStore",
    "RestoreAttempt",
    "RestoreReport",
    "Restored",
    "Sealed",
    "SingleSnapshot",
    "SnapshotBusyError",
    "SnapshotDifference",
    "SnapshotHeader",
    "SnapshotMismatchError",
    "SnapshotScope",
    "SnapshotWriter",
    "StoreAccessError",
    "StoreError",
    "StoreOptions",
    "WriterClosedError",
    "check_store_url",
    "collect_garbage",
    "compare",
    "copy_snapshot",
    "current_header",
    "decode_single",
    "encode_single",
    "list_snapshots",
    "load_image",
    "load_manifest",
    "missing_chunks",
    "newest_snapshot",
    "open_existing",
    "open_store",
    "pack_array",
    "restore",
    "retarget",
    "seal",
    "state_digest",
    "unpack_array",
    "unseal",
]
