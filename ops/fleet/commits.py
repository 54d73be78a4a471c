"""What the group has committed: an offset for each partition, and the snapshot it names."""

from collections.abc import Collection
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ops.fleet.errors import FleetUnreadableError
from snapshots import IntegrityError, ManifestRef
from workers.client_config import reader_settings
from workers.config import WorkerConfig

__all__ = ["Commit", "committed"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One partition's committed offset; `metadata` is the digest of a manifest, or empty."""

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
        found = reader.committed(wanted, config.client_timeout_s) if wanted else []
    except KafkaException as error:
        raise FleetUnreadableError(
            f"the commits of group {config.group_id} are not told ({error}): check the brokers, "
            "and the READ permission on the group and DESCRIBE on the topic"
        ) from error
    finally:
        reader.close()
    return {
        place.partition: Commit(place.offset, place.metadata or "")
        for place in found
        if place.error is None and place.offset >= 0
    }
