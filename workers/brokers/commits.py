"""What a group has committed."""

from collections.abc import Iterable, Sequence

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

__all__ = ["commits_of", "committed_offsets"]


def commits_of(
    reader: Consumer, places: Sequence[TopicPartition], timeout_s: float
) -> list[TopicPartition]:
    """The commits of the reader's group, with a negative offset where there is none. Blocks.

    A partition whose commit is not told is no partition without one.

    Raises:
        KafkaException: that of a single partition, too.
    """
    found = reader.committed(list(places), timeout_s)
    for place in found:
        if place.error is not None:
            raise KafkaException(place.error)
    return found


def committed_offsets(
    admin: AdminClient, group: str, places: Iterable[TopicPartition], timeout_s: float
) -> dict[int, int]:
    """Partition → committed offset, of those where one is told. Blocks, but for no transaction:
    what one has pending does not count yet.

    Raises:
        KafkaException, TimeoutError: the brokers do not tell of the group.
    """
    asked = ConsumerGroupTopicPartitions(group, list(places))
    futures = admin.list_consumer_group_offsets([asked], request_timeout=timeout_s)
    told = futures[group].result(timeout_s).topic_partitions
    return {one.partition: one.offset for one in told if one.error is None and one.offset >= 0}
