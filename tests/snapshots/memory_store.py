"""An object store in memory that can be told to fail; it passes the same contract tests."""

import threading
from collections.abc import Callable, Sequence

from snapshots import IntegrityError, ObjectEntry, ObjectNotFoundError, StoreError
from snapshots.store import MAX_OBJECT_BYTES, check_key


class MemoryStore:
    """`before` is called with (action, key) ahead of every call and may raise or block.

    `calls` records what reached the store; `now_s` is its clock.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.modified_s: dict[str, float] = {}
        self.calls: list[tuple[str, str]] = []
        self.now_s = 1000.0
        self.before: Callable[[str, str], None] = lambda _action, _key: None
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes) -> None:
        self._enter("put", check_key(key))
        with self._lock:
            self.objects[key] = data
            self.modified_s[key] = self.now_s

    def get(self, key: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        self._enter("get", check_key(key))
        if key not in self.objects:
            raise ObjectNotFoundError(f"no object {key}")
        if len(self.objects[key]) > max_bytes:
            raise IntegrityError(f"{key} is larger than {max_bytes} bytes")
        return self.objects[key]

    def list(self, prefix: str) -> list[str]:
        return [entry.key for entry in self.entries(prefix)]

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        self._enter("list", prefix)
        with self._lock:
            return [
                ObjectEntry(key, len(data), self.modified_s[key])
                for key, data in sorted(self.objects.items())
                if key.startswith(prefix)
            ]

    def delete(self, key: str) -> None:
        self._enter("delete", check_key(key))
        with self._lock:
            self.objects.pop(key, None)

    def delete_all(self, keys: Sequence[str]) -> None:
        for key in [check_key(key) for key in keys]:
            self.delete(key)

    def written(self, kind: str) -> Sequence[str]:
        """Keys of "chunks" or "manifests" that were put, in order."""
        return [key for action, key in self.calls if action == "put" and f"/{kind}/" in key]

    def flip_bit(self, key: str) -> None:
        data = bytearray(self.objects[key])
        data[len(data) // 3] ^= 1
        self.objects[key] = bytes(data)

    def _enter(self, action: str, key: str) -> None:
        self.before(action, key)
        with self._lock:
            self.calls.append((action, key))


def fail_at(
    number: int, *, actions: tuple[str, ...] = ("put",), lasting: bool = True
) -> Callable[[str, str], None]:
    """A `before` hook: call number `number` (from 0) raises `StoreError`; if `lasting`, all later
    ones do, too."""
    lock, seen = threading.Lock(), [0]

    def before(action: str, key: str) -> None:
        with lock:
            if action in actions:
                seen[0] += 1
            due = seen[0] > number if lasting else seen[0] == number + 1
        if due and action in actions:
            raise StoreError(f"injected failure of {action} {key}")

    return before
