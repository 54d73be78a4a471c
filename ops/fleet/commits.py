"""What the group has committed: an offset for each partition, and the snapshot it names."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ops.fleet.errors import FleetUnreadableError
from snapshots import IntegrityError, ManifestRef
from workers.brokers.client_config import reader_settings
from workers.brokers.commits import commits_of
from workers.config import WorkerConfig

__all__ = ["Commit", "committed"]

_MOVING: Final = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
_PAUSE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Commit:
    """One partition's committed offset; `metadata` names its manifest or journal."""

    offset: int
    metadata: str

    @property
    def ref(self) -> ManifestRef | None:
        """The snapshot that the commit names; None before the first one."""
        try:
            return ManifestRef.parse(self.metadata, offset=self.offset)
        except IntegrityError:
            return None


def committed(config: WorkerConfig, partitions: Collection[int]) -> dict[int, Commit]:
    """The group's commits; partitions without one are left out.

    Raises:
        FleetUnreadableError: the brokers do not tell.
    """
    reader = Consumer(reader_settings(config))
    wanted = [TopicPartition(config.topics.ticks, number) for number in partitions]
    try:
        found = _asked(reader, wanted, config.client_timeout_s) if wanted else []
    except KafkaException as error:
        raise FleetUnreadableError(
            f"the commits of group {config.group_id} are not told ({error}): check the brokers, "
            "and the DESCRIBE permission on group and topic"
        ) from error
    finally:
        reader.close()
    return {
        place.partition: Commit(place.offset, place.metadata or "")
        for place in found
        if place.offset >= 0
    }


def _asked(
    reader: Consumer, wanted: list[TopicPartition], timeout_s: float
) -> list[TopicPartition]:
    """Asks again while the group's coordinator is only being made or moved."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            return commits_of(reader, wanted, timeout_s)
        except KafkaException as error:
            if error.args[0].code() not in _MOVING or time.monotonic() > deadline_s:
                raise
            time.sleep(_PAUSE_S)
