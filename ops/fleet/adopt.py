"""Points a stopped group at chosen snapshots: the next worker goes on from there."""

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ops.fleet.empty import wait_until_empty
from ops.fleet.errors import FleetUnreadableError
from snapshots import ManifestRef
from workers.brokers.client_config import reader_settings
from workers.config import WorkerConfig

__all__ = ["adopt"]


def adopt(config: WorkerConfig, refs: Mapping[int, ManifestRef]) -> None:
    """Commit each partition's snapshot for the group. The broker refuses it while a member lives.

    Blocks for up to a session: a static member that has stopped is one until its session ends.

    Args:
        config: names the cluster, the group and the topic.
        refs: partition -> the snapshot to go on from.

    Raises:
        GroupBusyError: workers run.
        FleetUnreadableError: the brokers do not answer, or refuse.
    """
    wait_until_empty(config)
    writer = Consumer(reader_settings(config))
    wanted = [
        TopicPartition(config.topics.ticks, number, ref.offset, metadata=ref.metadata)
        for number, ref in refs.items()
    ]
    try:
        done = writer.commit(offsets=wanted, asynchronous=False)
    except KafkaException as error:
        raise FleetUnreadableError(
            f"group {config.group_id}: the commit was refused ({error}): check that no worker "
            "runs, and the READ permission on group and topic"
        ) from error
    finally:
        writer.close()
    refused = [place for place in done or [] if place.error is not None]
    if refused:
        raise FleetUnreadableError(f"not committed: {refused}; run the command again")
