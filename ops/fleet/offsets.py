"""Where the partitions of a topic begin and end, all of them in one question."""

from collections.abc import Callable, Collection

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.fleet.errors import FleetUnreadableError
from workers.brokers.log_offsets import log_begins, log_ends

__all__ = ["begins", "ends"]


def begins(
    admin: AdminClient, topic: str, partitions: Collection[int], timeout_s: float
) -> dict[int, int]:
    """The first retained offset of each partition.

    Raises:
        FleetUnreadableError: the brokers do not tell.
    """
    return _told(topic, partitions, lambda places: log_begins(admin, places, timeout_s))


def ends(
    admin: AdminClient,
    topic: str,
    partitions: Collection[int],
    timeout_s: float,
    *,
    committed: bool = False,
) -> dict[int, int]:
    """The offset after the last record of each partition; `committed`: after the last one that
    a read_committed reader can reach, which an open transaction holds back.

    Raises:
        FleetUnreadableError: the brokers do not tell.
    """
    return _told(
        topic, partitions, lambda places: log_ends(admin, places, timeout_s, committed=committed)
    )


def _told(
    topic: str,
    partitions: Collection[int],
    ask: Callable[[list[TopicPartition]], list[int]],
) -> dict[int, int]:
    if not partitions:
        return {}
    try:
        told = ask([TopicPartition(topic, number) for number in partitions])
    except (KafkaException, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        raise FleetUnreadableError(
            f"{topic}: no offsets ({reason}): check that the topic exists and may be described"
        ) from error
    return dict(zip(partitions, told, strict=True))
