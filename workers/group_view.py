"""Who is in the group, and who has which partitions."""

import time
from dataclasses import dataclass
from typing import Final, cast

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

__all__ = ["GroupView", "MemberView", "view_group"]

_MOVING: Final = frozenset(
    {"NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"}
)
_ASK_AGAIN_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member: its worker id (its client id when membership is dynamic), host, partitions."""

    worker: str
    host: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupView:
    """A consumer group. `state` is Kafka's word: STABLE, EMPTY, PREPARING_REBALANCING, DEAD…"""

    state: str
    members: tuple[MemberView, ...]

    @property
    def owners(self) -> dict[int, str]:
        """Partition -> worker."""
        return {number: member.worker for member in self.members for number in member.partitions}


def view_group(admin: AdminClient, group: str, topic: str, timeout_s: float) -> GroupView:
    """The group as its coordinator sees it now; blocks.

    Args:
        admin: a client of the cluster.
        group: its id.
        topic: of the partitions that are told; those of others are left out.
        timeout_s: for the coordinator's answer.

    Raises:
        KafkaException, TimeoutError: the coordinator does not answer, or refuses; of a group that
            never was, GROUP_ID_NOT_FOUND.
    """
    found = _described(admin, group, timeout_s)
    members = (
        MemberView(
            member.group_instance_id or member.client_id,
            member.host,
            tuple(
                sorted(
                    place.partition
                    for place in member.assignment.topic_partitions
                    if place.topic == topic
                )
            ),
        )
        for member in found.members
    )
    return GroupView(found.state.name, tuple(sorted(members, key=lambda one: one.worker)))


def _described(admin: AdminClient, group: str, timeout_s: float) -> ConsumerGroupDescription:
    """A cluster asked for its first group has no coordinator ready: it is asked again."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        [future] = admin.describe_consumer_groups([group], request_timeout=timeout_s).values()
        try:
            return cast(ConsumerGroupDescription, future.result(timeout_s))
        except KafkaException as error:
            if error.args[0].name() not in _MOVING or time.monotonic() > deadline_s:
                raise
            time.sleep(_ASK_AGAIN_S)
