"""Partitions that a transaction which is open, or hangs, holds back."""

from collections.abc import Callable, Collection

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from workers.brokers.log_offsets import log_ends

__all__ = ["held_back"]


def held_back(
    admin: AdminClient, topics: Collection[str], left_s: Callable[[], float]
) -> dict[TopicPartition, int]:
    """The last stable offset of each partition whose committed records end before its records.

    Args:
        admin: a client of the cluster.
        topics: whose partitions are looked at; those that do not exist are left out.
        left_s: for the brokers' answers.

    Raises:
        KafkaException: a partition has no leader, or the brokers do not answer.
    """
    known = admin.list_topics(timeout=left_s()).topics
    places = [
        TopicPartition(topic, partition)
        for topic in topics
        if topic in known
        for partition in known[topic].partitions
    ]
    # In this order: what is decided between the two questions is then not taken for open.
    try:
        ends = log_ends(admin, places, left_s(), committed=False)
        decided = log_ends(admin, places, left_s(), committed=True)
    except TimeoutError as error:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error
    return {
        place: stable
        for place, end, stable in zip(places, ends, decided, strict=True)
        if stable < end
    }
