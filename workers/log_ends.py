"""Where partitions end, with and without what is not decided yet."""

from collections.abc import Sequence

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

__all__ = ["log_ends"]


def log_ends(
    admin: AdminClient, places: Sequence[TopicPartition], timeout_s: float, *, committed: bool
) -> list[int]:
    """The end of each partition; blocks up to twice the timeout.

    Args:
        admin: has asked for the topics' metadata just now: it is where an admin client learns of
            leaders. Without it a fresh client now and then waits three seconds until it hears of
            them by itself, and after a change of leader it asks with the old one's epoch, and is
            refused, for ever (as librdkafka#4620).
        places: the partitions.
        timeout_s: for the brokers' answer.
        committed: the last stable offset, which an open transaction holds back, instead of the
            high watermark.

    Raises:
        KafkaException: a partition has no leader, or the brokers do not answer.
    """
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    futures = admin.list_offsets(
        dict.fromkeys(places, latest), isolation_level=level, request_timeout=timeout_s
    )
    try:
        return [int(futures[place].result(timeout=timeout_s).offset) for place in places]
    except TimeoutError as error:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error
