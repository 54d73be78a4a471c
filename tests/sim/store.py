"""An object store in memory: every call can be the one a worker dies in, or fails."""

from collections.abc import Callable, Sequence

from snapshots.errors import ObjectNotFoundError, StoreError
from snapshots.store import MAX_OBJECT_BYTES, ObjectEntry
from tests.sim.scheduler import Scheduler

__all__ = ["SimStore"]


class SimStore:
    """A `snapshots.ObjectStore`.

    Args:
        scheduler: decides what happens meanwhile.
        stored: told of each key as its object is written; None: nobody is.

    Attributes:
        failures: how many of the next writes fail.
    """

    def __init__(self, scheduler: Scheduler, stored: Callable[[str], None] | None = None) -> None:
        self._scheduler = scheduler
        self._stored = stored
        self._objects: dict[str, bytes] = {}
        self.failures = 0

    def put(self, key: str, data: bytes) -> None:
        self._scheduler.call("put")
        if self.failures:
            self.failures -= 1
            raise StoreError(f"{key}: simulated")
        self._objects[key] = data
        if self._stored is not None:
            self._stored(key)

    def get(self, key: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        self._scheduler.call("get")
        if key not in self._objects:
            raise ObjectNotFoundError(key)
        return self._objects[key]

    def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self._objects if key.startswith(prefix))

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        return [ObjectEntry(key, len(self._objects[key]), 0.0) for key in self.list(prefix)]

    def delete(self, key: str) -> None:
        self._objects.pop(key, None)

    def delete_all(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.delete(key)
