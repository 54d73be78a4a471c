"""At least once, what a group has before anything of a partition is answered."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from workers import Delivery, WorkerConfig
from workers.delivery.first_commit import FirstCommits
from workers.delivery.outputs import GroupTicket
from workers.errors import StalledClientError
from workers.group.membership import Membership
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition
from workers.recovery.plan import RecoveryPlan

CONFIG: Final = WorkerConfig(
    "localhost:1", "group", "w-0", "file:///snapshots", delivery=Delivery.AT_LEAST_ONCE
)
BEGINS: Final = RecoveryPlan("genesis", None, 20, 20, 19, DecisionLog(), 7, resumes=False)


class Group:
    """Takes commits, or does not, or not yet."""

    def __init__(self) -> None:
        self.took: list[tuple[int, int, str | None]] = []
        self.refuses = False
        self.answers = threading.Event()
        self.answers.set()

    def ticket(self) -> GroupTicket:
        return GroupTicket(None, self._commit)

    def _commit(self, offsets: Sequence[TopicPartition]) -> None:
        assert self.answers.wait(10.0)
        if self.refuses:
            raise KafkaException(KafkaError(KafkaError.REBALANCE_IN_PROGRESS))
        self.took += [(one.partition, one.offset, one.metadata) for one in offsets]


def test_where_a_group_begins_is_committed_with_its_journal_position() -> None:
    group = Group()
    FirstCommits(CONFIG).see_to(Partition(3, 0.0), BEGINS, cast(Membership, group))
    assert group.took == [(3, 20, "journal=7")]


@pytest.mark.parametrize(
    ("config", "plan"),
    [
        (CONFIG, replace(BEGINS, resumes=True)),
        (replace(CONFIG, delivery=Delivery.EXACTLY_ONCE), BEGINS),
    ],
    ids=["the group has an offset", "it will be in the first transaction"],
)
def test_elsewhere_nothing_is_committed_first(config: WorkerConfig, plan: RecoveryPlan) -> None:
    group = Group()
    FirstCommits(config).see_to(Partition(3, 0.0), plan, cast(Membership, group))
    assert group.took == []


def test_a_commit_that_the_group_refuses_is_tried_again() -> None:
    group, commits, partition = Group(), FirstCommits(CONFIG), Partition(3, 0.0)
    group.refuses = True
    with pytest.raises(StalledClientError, match="rebalance"):
        commits.see_to(partition, BEGINS, cast(Membership, group))
    group.refuses = False
    commits.see_to(partition, BEGINS, cast(Membership, group))
    assert len(group.took) == 1


def test_a_commit_under_way_is_waited_for_and_not_repeated() -> None:
    group, commits, partition = Group(), FirstCommits(CONFIG), Partition(3, 0.0)
    group.answers.clear()
    for _ in range(2):
        with pytest.raises(StalledClientError, match="under way"):
            commits.see_to(partition, BEGINS, cast(Membership, group))
    group.answers.set()
    for _ in range(100):
        with suppress(StalledClientError):
            commits.see_to(partition, BEGINS, cast(Membership, group))
            break
    assert len(group.took) == 1
