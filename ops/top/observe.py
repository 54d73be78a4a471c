"""Takes pictures of a fleet, one after the other."""

import time
from collections.abc import Mapping
from typing import Self

from confluent_kafka.admin import AdminClient

from ops.fleet import (
    JournalFollower,
    UnreadRecords,
    committed,
    describe_group,
    ends,
)
from ops.top.flag_counter import FlagCounter
from ops.top.picture import FleetPicture, PartitionPicture
from ops.top.snapshot_ages import SnapshotAges
from ops.topics import describe_topics
from workers.brokers.client_config import admin_settings
from workers.brokers.topics import check_layout
from workers.config import Topics, WorkerConfig
from workers.errors import TopicLayoutError
from workers.group.view import ONE_FLEET_A_GROUP

__all__ = ["FleetObserver"]


class FleetObserver:
    """Holds what a picture needs of the one before it: how far each partition was.

    Args:
        config: names the cluster, the group and the store.

    Raises:
        TopicLayoutError: there is no ticks topic.
        RetryableError: the brokers do not answer.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._admin = AdminClient(admin_settings(config))
        self._unread, self._ages = UnreadRecords(config), SnapshotAges(config)
        counts = _partition_counts(config)
        self._follow(counts, _layout_warnings(config.topics, counts))
        self._before: dict[int, int] = {}
        self._before_s = 0.0

    def picture(self, wait_s: float) -> FleetPicture:
        """Collect news for `wait_s` seconds, then look."""
        config, timeout_s = self._config, self._config.client_timeout_s
        self._look_whether_mended()
        newest = self._journal.poll(wait_s)
        now_s = time.monotonic()
        group = describe_group(config)
        high = ends(self._admin, config.topics.ticks, self._partitions, timeout_s)
        commits = committed(config, self._partitions)
        owners = group.owners
        # Where the journal's records have expired, the commit still tells.
        answered = {
            number: max(
                newest[number].to_offset if number in newest else -1,
                commits[number].offset - 1 if number in commits else -1,
            )
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
                snapshot_age_s=self._ages.age_s(number, commits.get(number)),
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
            members=tuple(member.worker for member in group.workers),
            partitions=pictures,
            # A plain dict: `asdict` makes keys of pairs out of a Counter's.
            flags=dict(self._flags.take()),
            warnings=self._warnings
            + tuple(f"{stranger}: {ONE_FLEET_A_GROUP}" for stranger in group.strangers),
        )

    def close(self) -> None:
        """Stop reading."""
        self._journal.close()
        self._flags.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self, counts: Mapping[str, int], warnings: tuple[str, ...]) -> None:
        """Read what there is of journal and flags: a fleet that lacks a topic may be at work."""
        topics = self._config.topics
        self._counts, self._warnings = counts, warnings
        self._partitions = range(counts[topics.ticks])
        told = range(min(counts[topics.ticks], counts.get(topics.journal, 0)))
        self._journal = JournalFollower(self._config, told)
        self._flags = FlagCounter(self._config, counts.get(topics.flags, 0))

    def _look_whether_mended(self) -> None:
        if self._warnings and (counts := _partition_counts(self._config)) != self._counts:
            warnings = _layout_warnings(self._config.topics, counts)
            self.close()
            self._follow(counts, warnings)


def _partition_counts(config: WorkerConfig) -> dict[str, int]:
    return {name: info.partitions for name, info in describe_topics(config).items()}


def _layout_warnings(topics: Topics, counts: Mapping[str, int]) -> tuple[str, ...]:
    try:
        check_layout(topics, counts)
    except TopicLayoutError as error:
        if topics.ticks not in counts:
            raise
        return (str(error),)
    return ()
