"""Where partitions begin and end, many in one question.

Before a question comes one for the topics' metadata: it is where an admin client learns of
leaders. Without it a fresh client now and then waits three seconds until it hears of them by
itself, and after a change of leader, or a restart of the only broker, it asks with the old epoch,
and is refused, for ever (as librdkafka#4620).
"""

from collections.abc import Sequence

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata
from confluent_kafka.admin._listoffsets import OffsetSpec

__all__ = ["log_begins", "log_ends"]


def log_begins(admin: AdminClient, places: Sequence[TopicPartition], timeout_s: float) -> list[int]:
    """The first retained offset of each partition; blocks up to a few times the timeout.

    Raises:
        KafkaException, TimeoutError: as `log_ends`.
    """
    earliest = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
    return _offsets(admin, places, timeout_s, earliest, IsolationLevel.READ_UNCOMMITTED)


def log_ends(
    admin: AdminClient, places: Sequence[TopicPartition], timeout_s: float, *, committed: bool
) -> list[int]:
    """The offset after the last record of each partition; blocks up to a few times the timeout.

    Args:
        admin: a client of the cluster.
        places: the partitions.
        timeout_s: for the brokers' answer.
        committed: the last stable offset, which an open transaction holds back, instead of the
            high watermark.

    Raises:
        KafkaException, TimeoutError: a partition is not there or has no leader, or the brokers do
            not answer.
    """
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    return _offsets(admin, places, timeout_s, latest, level)


def _offsets(
    admin: AdminClient,
    places: Sequence[TopicPartition],
    timeout_s: float,
    which: OffsetSpec,
    level: IsolationLevel,
) -> list[int]:
    topics = {place.topic for place in places}
    # None: all there are, in one question.
    told = admin.list_topics(topics.pop() if len(topics) == 1 else None, timeout=timeout_s)
    _check_there(places, told)
    futures = admin.list_offsets(
        dict.fromkeys(places, which), isolation_level=level, request_timeout=timeout_s
    )
    return [int(futures[place].result(timeout=timeout_s).offset) for place in places]


def _check_there(places: Sequence[TopicPartition], told: ClusterMetadata) -> None:
    """Of what does not exist the client says no more than that no leader was found."""
    for place in places:
        topic = told.topics.get(place.topic)
        if topic is None:
            continue
        count, error = len(topic.partitions), topic.error
        if error is not None and error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise _not_there(f"{place.topic} is missing: create it with `tickfleet topics create`")
        if error is None and place.partition >= count:
            raise _not_there(
                f"{place.topic} has {count} partitions: add partitions to it with kafka-topics.sh "
                "--alter"
            )


def _not_there(words: str) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION, words))
