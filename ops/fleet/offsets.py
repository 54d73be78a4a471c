"""Where the partitions of a topic begin and end, all of them in one question."""

from collections.abc import Collection

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from ops.fleet.errors import FleetUnreadableError

__all__ = ["begins", "ends"]


def begins(
    admin: AdminClient, topic: str, partitions: Collection[int], timeout_s: float
) -> dict[int, int]:
    """The first retained offset of each partition.

    Raises:
        FleetUnreadableError: the brokers do not tell.
    """
    return _offsets(admin, topic, partitions, timeout_s, earliest=True, committed=False)


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
    return _offsets(admin, topic, partitions, timeout_s, earliest=False, committed=committed)


def _offsets(
    admin: AdminClient,
    topic: str,
    partitions: Collection[int],
    timeout_s: float,
    *,
    earliest: bool,
    committed: bool,
) -> dict[int, int]:
    if not partitions:
        return {}
    wanted = OffsetSpec.earliest if earliest else OffsetSpec.latest
    spec = wanted()  # type: ignore[no-untyped-call]
    futures = admin.list_offsets(
        {TopicPartition(topic, number): spec for number in partitions},
        isolation_level=(
            IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        ),
        request_timeout=timeout_s,
    )
    try:
        return {
            place.partition: int(future.result(timeout=timeout_s).offset)
            for place, future in futures.items()
        }
    except (KafkaException, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        raise FleetUnreadableError(
            f"{topic}: no offsets ({reason}): check that the topic exists and may be described"
        ) from error
