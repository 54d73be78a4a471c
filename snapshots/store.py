"""What the snapshots room needs of an object store, and nothing more.

Keys are relative, `/`-separated, and of a small alphabet, so that one key means the same object
in a folder and in a bucket. Every implementation passes `tests/snapshots/store_contract.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from snapshots.errors import InvalidSnapshotError

__all__ = ["MAX_OBJECT_BYTES", "ObjectEntry", "ObjectStore", "check_key"]

MAX_OBJECT_BYTES = 1 << 28
"""Largest object that `get` reads unless told otherwise (256 MiB): bounds memory on damage."""

_MAX_KEY_BYTES = 1024  # the limit of S3
_MAX_SEGMENT_BYTES = 255  # the limit of file systems
# No segment starts with a dot: rules out ".", ".." and a store's own hidden folders.
_SEGMENT = re.compile(r"[A-Za-z0-9_~%=-][A-Za-z0-9._~%=-]*")


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """One listed object. `modified_s` is the store's own clock, seconds since the epoch."""

    key: str
    size_bytes: int
    modified_s: float


class ObjectStore(Protocol):
    """A flat map from keys to immutable-once-written bytes. Every call may block on I/O.

    Every method raises `StoreError` (retryable) when the store cannot be reached in bounded time,
    `StoreAccessError` (fatal) when it refuses, `InvalidSnapshotError` for an unsafe key.
    Methods may be called from several threads at once.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store `data` durably under `key`, atomically: a reader sees all of it or none.

        Idempotent; replaces what was there.
        """

    def get(self, key: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """The bytes under `key`.

        Raises `ObjectNotFoundError`, or `IntegrityError` when the object is larger than
        `max_bytes` (never read into memory) or the store's own checksum fails.
        """

    def list(self, prefix: str) -> list[str]:
        """Keys that start with `prefix` (a string prefix, not a folder), sorted."""

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        """As `list`, with sizes and times of modification."""

    def delete(self, key: str) -> None:
        """Remove `key`; an absent key is not an error."""

    def delete_all(self, keys: Sequence[str]) -> None:
        """Remove these keys in as few requests as the store can, in no order.

        An error leaves some of them there.
        """


def check_key(key: str) -> str:
    """Return `key` unchanged if it is safe in every store, else raise `InvalidSnapshotError`."""
    segments = key.split("/")
    well_formed = all(
        _SEGMENT.fullmatch(part) and len(part) <= _MAX_SEGMENT_BYTES for part in segments
    )
    if not well_formed or len(key) > _MAX_KEY_BYTES:
        raise InvalidSnapshotError(
            f"unsafe object key {key[:200]!r}: build keys with SnapshotScope, which escapes names"
        )
    return key
