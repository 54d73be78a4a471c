"""How old the committed snapshots are."""

import time

from core.errors import TickFleetError
from ops.fleet import Commit, stored_snapshots
from snapshots import ManifestRef, ObjectStore, SnapshotScope, open_existing
from workers.config import WorkerConfig

__all__ = ["SnapshotAges"]


class SnapshotAges:
    """Asks the store once for each snapshot: listings cost money in a cloud.

    Args:
        config: names the group and the store.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._store: ObjectStore | None = None
        self._stored: dict[int, tuple[ManifestRef | None, float]] = {}

    def age_s(self, partition: int, commit: Commit | None) -> float | None:
        """Since what the commit names was stored; None where that is not known."""
        if commit is None or commit.ref is None:
            return None
        # Not before there is a commit: the first worker makes the store.
        self._store = self._store or _open(self._config)
        if self._store is None:
            return None
        stored_s = self._stored_s(partition, commit.ref, self._store)
        return None if stored_s is None else max(time.time() - stored_s, 0.0)

    def _stored_s(self, partition: int, ref: ManifestRef, store: ObjectStore) -> float | None:
        known, stored_s = self._stored.get(partition, (None, 0.0))
        if known == ref:
            return stored_s
        scope = SnapshotScope(self._config.group_id, self._config.topics.ticks, partition)
        try:
            found = {one.ref: one.modified_s for one in stored_snapshots(store, scope)}
        except TickFleetError:
            return None  # the picture goes on without a column; `tickfleet doctor` says why
        if ref not in found:
            return None
        self._stored[partition] = (ref, found[ref])
        return found[ref]


def _open(config: WorkerConfig) -> ObjectStore | None:
    try:
        return open_existing(config.snapshot_url, config.store_options)
    except TickFleetError:
        return None
