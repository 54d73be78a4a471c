"""Who is in the group, and who has which partitions.

A client whose question to a coordinator runs out of time, while no broker answers, ends the whole
process when one answers again: librdkafka up to 2.16 takes up the question it has let go
(librdkafka#4605). So its own time limit is longer than any wait here, and whoever waits no longer
closes the client, with the question in it.
"""

import time
from dataclasses import dataclass
from enum import Enum
from typing import Final, cast

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

from workers.brokers.client_config import admin_settings
from workers.config import WorkerConfig

__all__ = ["ONE_FLEET_A_GROUP", "GroupView", "MemberView", "rights_in_group", "view_group"]

_MOVING: Final = frozenset(
    {"NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"}
)
_ASK_AGAIN_S: Final = 0.2
_UNLIMITED_S: Final = 3_600.0
"""The longest that librdkafka allows."""


ONE_FLEET_A_GROUP: Final = "give each fleet a group_id of its own (docs/upgrades.md, two fleets)"


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member: its worker id (its client id when membership is dynamic), host, partitions of the
    ticks topic, and which other topics it has partitions of."""

    worker: str
    host: str
    partitions: tuple[int, ...]
    elsewhere: tuple[str, ...] = ()

    @property
    def stranger(self) -> str:
        """What it has, where it is another fleet's; empty where it is ours, or has nothing yet."""
        topics = ", ".join(self.elsewhere)
        return f"{self.worker} is assigned {topics}: another fleet's" if topics else ""


@dataclass(frozen=True, slots=True)
class GroupView:
    """A consumer group. `state` is Kafka's word: STABLE, EMPTY, PREPARING_REBALANCING, DEAD…"""

    state: str
    members: tuple[MemberView, ...]

    @property
    def workers(self) -> tuple[MemberView, ...]:
        """The members that are this fleet's, as far as is known."""
        return tuple(one for one in self.members if not one.stranger)

    @property
    def strangers(self) -> tuple[str, ...]:
        """What is told of the members that are another fleet's."""
        return tuple(one.stranger for one in self.members if one.stranger)

    @property
    def owners(self) -> dict[int, str]:
        """Partition -> worker."""
        return {number: member.worker for member in self.members for number in member.partitions}


def view_group(config: WorkerConfig) -> GroupView:
    """The group as its coordinator sees it now; blocks up to the client timeout.

    Raises:
        KafkaException, TimeoutError: the coordinator does not answer, or refuses; of a group that
            never was, GROUP_ID_NOT_FOUND.
    """
    found = _described(config, rights=False)
    members = (
        MemberView(
            member.group_instance_id or member.client_id,
            member.host,
            tuple(
                sorted(
                    place.partition
                    for place in member.assignment.topic_partitions
                    if place.topic == config.topics.ticks
                )
            ),
            tuple(
                sorted(
                    {place.topic for place in member.assignment.topic_partitions}
                    - {config.topics.ticks}
                )
            ),
        )
        for member in found.members
    )
    return GroupView(found.state.name, tuple(sorted(members, key=lambda one: one.worker)))


def rights_in_group(config: WorkerConfig) -> frozenset[Enum] | None:
    """What this user may do in the group, as `AclOperation`; None where that is not told.

    Raises:
        KafkaException, TimeoutError: as `view_group`.
    """
    allowed = _described(config, rights=True).authorized_operations
    return None if allowed is None else frozenset(allowed)


def _described(config: WorkerConfig, *, rights: bool) -> ConsumerGroupDescription:
    """A cluster asked for its first group has no coordinator ready: it is asked again."""
    deadline_s = time.monotonic() + config.client_timeout_s
    with AdminClient(admin_settings(config)) as admin:
        while True:
            asked = admin.describe_consumer_groups(
                [config.group_id],
                include_authorized_operations=rights,
                request_timeout=_UNLIMITED_S,
            )
            [future] = asked.values()
            try:
                found = future.result(max(deadline_s - time.monotonic(), 0))
                return cast(ConsumerGroupDescription, found)
            except KafkaException as error:
                if error.args[0].name() not in _MOVING or time.monotonic() > deadline_s:
                    raise
                time.sleep(_ASK_AGAIN_S)
