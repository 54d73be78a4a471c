"""At least once, the offset at which a group begins is committed before anything is answered.

Exactly once it is in the transaction of the first results. Here a worker could die between its
first journal record and its first commit, and what it leaves, a journal without an offset, would
look as if the ticks topic had been created anew.
"""

from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from workers.config import Delivery, WorkerConfig
from workers.delivery.cold_commit import journal_note
from workers.delivery.outputs import GroupTicket, run_in_background
from workers.errors import StalledClientError
from workers.group.membership import Membership
from workers.partition import Partition
from workers.recovery.plan import RecoveryPlan

__all__ = ["FirstCommits"]

_WAIT_S: Final = 0.05


class FirstCommits:
    """Commits where partitions begin of which the group has no offset.

    Args:
        config: the delivery guarantee and the ticks topic.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._topic = config.topics.ticks
        self._needed = config.delivery is Delivery.AT_LEAST_ONCE
        self._under_way: dict[Partition, Future[None]] = {}

    def see_to(self, partition: Partition, plan: RecoveryPlan, membership: Membership) -> None:
        """Return once the group has an offset of a partition; waits a moment.

        Args:
            partition: about to be installed.
            plan: its plan.
            membership: the seat in the group.

        Raises:
            StalledClientError: not yet; call again.
        """
        if not self._needed or plan.resumes:
            return
        commit = self._under_way.pop(partition, None) or self._begin(
            partition, plan, membership.ticket()
        )
        try:
            # Waited for here: the client lets a commit in only where no fetch waits for records.
            commit.result(_WAIT_S)
        except TimeoutError as error:
            self._under_way[partition] = commit
            raise StalledClientError("the first commit is under way") from error
        except (KafkaException, RuntimeError) as error:
            # Between two generations, say.
            raise StalledClientError(f"the first commit: {error}") from error

    def forget(self, partition: Partition) -> None:
        """A partition is given up."""
        self._under_way.pop(partition, None)

    def _begin(
        self, partition: Partition, plan: RecoveryPlan, group: GroupTicket
    ) -> "Future[None]":
        note = journal_note(plan.journal_position, answered=False)
        place = TopicPartition(self._topic, partition.number, plan.commit_offset, note)
        return run_in_background(lambda: group.commit([place]))
