"""What a group has committed, told whole or not at all."""

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

__all__ = ["commits_of"]


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
