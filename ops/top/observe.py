"""Takes pictures of a fleet, one after the other."""

import time
from typing import Self

from confluent_kafka.admin import AdminClient

from core.errors import TickFleetError
from ops.fleet import (
    Commit,
    JournalFollower,
    UnreadRecords,
    committed,
    describe_group,
    ends,
    stored_snapshots,
)
from ops.top.flag_counter import FlagCounter
from ops.top.picture import FleetPicture, PartitionPicture
from ops.topics import describe_topics
from snapshots import ManifestRef, ObjectStore, SnapshotScope, open_existing
from workers.brokers.client_config import admin_settings
from workers.brokers.topics import check_layout
from workers.config import WorkerConfig

__all__ = ["FleetObserver"]


class FleetObserver:
    """Holds what a picture needs of the one before it: how far each partition was.

    Args:
        config: names the cluster, the group and the store.

    Raises:
        TopicLayoutError: the fleet's topics do not exist.
        RetryableError: the brokers do not answer.
    """

    def __init__(self, config: WorkerConfig) -> None:
        infos = describe_topics(config)
        check_layout(config.topics, {name: info.partitions for name, info in infos.items()})
        self._config = config
        self._partitions = range(infos[config.topics.ticks].partitions)
        self._admin = AdminClient(admin_settings(config))
        self._journal = JournalFollower(config, self._partitions)
        self._unread = UnreadRecords(config)
        self._flags = FlagCounter(config, infos[config.topics.flags].partitions)
        self._store: ObjectStore | None = None
        self._stored: dict[int, tuple[ManifestRef | None, float]] = {}
        self._before: dict[int, int] = {}
        self._before_s = 0.0

    def picture(self, wait_s: float) -> FleetPicture:
        """Collect news for `wait_s` seconds, then look."""
        config, timeout_s = self._config, self._config.client_timeout_s
        newest = self._journal.poll(wait_s)
        now_s = time.monotonic()
        group = describe_group(config)
        high = ends(self._admin, config.topics.ticks, self._partitions, timeout_s)
        commits = committed(config, self._partitions)
        owners = group.owners
        answered = {
            number: newest[number].to_offset if number in newest else -1
            for number in self._partitions
        }
        lags = self._unread.count(
            {number: range(to + 1, high[number]) for number, to in answered.items()}
        )
        span_s = now_s - self._before_s
        pictures = tuple(
            PartitionPicture(
                partition=number,
                worker=owners.get(number, ""),
                answered_to=to,
                lag_records=lags[number],
                ticks_per_s=(to - self._before.get(number, to)) / span_s,
                snapshot_age_s=self._snapshot_age_s(number, commits.get(number)),
                unsaved_records=max(to + 1 - commits[number].offset, 0)
                if number in commits
                else to + 1,
            )
            for number, to in answered.items()
        )
        self._before, self._before_s = answered, now_s
        return FleetPicture(
            group=config.group_id,
            state=group.state,
            members=tuple(member.worker for member in group.members),
            partitions=pictures,
            # A plain dict: `asdict` makes keys of pairs out of a Counter's.
            flags=dict(self._flags.take()),
        )

    def close(self) -> None:
        """Stop reading."""
        self._journal.close()
        self._flags.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _snapshot_age_s(self, partition: int, commit: Commit | None) -> float | None:
        if commit is None or commit.ref is None:
            return None
        # Not before there is a commit: the first worker makes the store.
        self._store = self._store or _open(self._config)
        if self._store is None:
            return None
        stored_s = self._stored_s(partition, commit.ref, self._store)
        return None if stored_s is None else max(time.time() - stored_s, 0.0)

    def _stored_s(self, partition: int, ref: ManifestRef, store: ObjectStore) -> float | None:
        """When the snapshot was stored. Asked once for each: listings cost money in a cloud."""
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
