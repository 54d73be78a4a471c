"""Points a stopped group at chosen snapshots: the next worker goes on from there."""

import time
from collections.abc import Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from core.errors import FatalError
from ops.fleet.errors import FleetUnreadableError
from ops.fleet.group import describe_group
from snapshots import ManifestRef
from workers.brokers.client_config import reader_settings
from workers.config import WorkerConfig

__all__ = ["GroupBusyError", "adopt"]

_GRACE_S: Final = 3.0
_POLL_S: Final = 0.25


class GroupBusyError(FatalError):
    """The group has members: its commits are theirs."""


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
    _wait_until_empty(config)
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


def _wait_until_empty(config: WorkerConfig) -> None:
    session_s = config.session_timeout_ms / 1000
    deadline_s = time.monotonic() + session_s + _GRACE_S
    while True:
        group = describe_group(config)
        if not group.members:
            return
        if time.monotonic() > deadline_s:
            names = ", ".join(member.worker for member in group.members)
            raise GroupBusyError(
                f"group {config.group_id} has members ({names}): stop every worker first; a "
                f"worker that was stopped is gone when its session ends ({session_s:g} s)"
            )
        time.sleep(_POLL_S)
