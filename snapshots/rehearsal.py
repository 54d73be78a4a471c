"""A store that is read as it is and changed only in words: what would be deleted is noted."""

from collections.abc import Sequence

from snapshots.store import MAX_OBJECT_BYTES, ObjectEntry, ObjectStore

__all__ = ["RehearsalStore"]


class RehearsalStore:
    """An `ObjectStore` over another one; `deleted` and `written` are keys, in order."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.deleted: list[str] = []
        self.written: list[str] = []

    def put(self, key: str, data: bytes) -> None:  # noqa: ARG002
        self.written.append(key)

    def get(self, key: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        return self._store.get(key, max_bytes=max_bytes)

    def list(self, prefix: str) -> list[str]:
        return self._store.list(prefix)

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        return self._store.entries(prefix)

    def delete(self, key: str) -> None:
        self.deleted.append(key)

    def delete_all(self, keys: Sequence[str]) -> None:
        self.deleted.extend(keys)
