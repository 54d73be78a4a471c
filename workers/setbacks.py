"""A partition whose records cannot go on as they come: asked again, recovered again, or stopped.

The other partitions of the worker are not held up by any of it.
"""

from typing import Final

import structlog
from confluent_kafka import KafkaError, Message

from workers.assignment import Assignment
from workers.batching.vanished import VanishedRecordError, vanished_rest
from workers.config import MissingHistory, WorkerConfig
from workers.delivery.cycle import CommitCycle
from workers.errors import HistoryLostError, UnrepeatableError
from workers.group.membership import Membership
from workers.partition import Partition
from workers.recovery.findings import ANOTHER_TOPIC
from workers.telemetry.metrics import M, Telemetry

__all__ = ["Setbacks"]

_log = structlog.get_logger()
_POSITION_LOST: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
_TRUNCATED: Final = KafkaError(KafkaError._LOG_TRUNCATION).str()
"""Told in the text alone, and without an offset."""


class Setbacks:
    """Deals with one partition at a time.

    Args:
        config: the ticks topic, and what to do where history is missing.
        assignment: the partitions held.
        cycle: the commits, of which a partition's recovery must see the last.
        membership: the seat in the group.
        telemetry: counts gaps.
    """

    def __init__(
        self,
        config: WorkerConfig,
        assignment: Assignment,
        cycle: CommitCycle,
        membership: Membership,
        telemetry: Telemetry,
    ) -> None:
        self._config = config
        self._assignment = assignment
        self._cycle = cycle
        self._membership = membership
        self._telemetry = telemetry

    def gap(self, partition: Partition, first_missing: int) -> None:
        """The client left records out: have it begin at the first of them.

        Raises:
            StalledClientError: the client does not seek; then everything is recovered.
        """
        self._membership.start_at(partition.number, first_missing)
        self._telemetry.inc(M.GAPS_ASKED_AGAIN, partition=str(partition.number))
        _log.info("gap_asked_again", partition=partition.number, offset=first_missing)

    def behind_the_end(self, partition: Partition) -> None:
        """See whether what a partition has yet to replay is gone from the end of the log.

        No later record comes to tell of it. Like any gap it is fetched twice before it is believed.

        Raises:
            RetryableError: as `failure`.
        """
        if self._membership.read_to(partition.number) <= partition.emitted_to:
            return
        first, vanished = partition.next_offset, vanished_rest(partition)
        if vanished is None:
            return
        if partition.asked_again_at == first:
            self.unrepeatable(VanishedRecordError(partition.number, vanished))
        else:
            partition.asked_again_at = first
            self.gap(partition, first)

    def unrepeatable(self, error: UnrepeatableError) -> None:
        """What was answered cannot be stepped again as it was: stop the partition.

        Where it is gone for good, it may go on without its state, if that is set.

        Raises:
            RetryableError: as `failure`.
        """
        reason = f"{error}. {error.remedy}"
        if isinstance(error, VanishedRecordError) and self._goes_on:
            self._recover_again(error.partition, f"offset {error.offset}: {error}", lost=reason)
        else:
            self._stop(error.partition, error.offset, reason)

    def failure(self, message: Message) -> None:
        """What the client said instead of a record; only a position that is gone matters.

        Raises:
            RetryableError: outputs could not be committed before the partition is recovered.
        """
        error, number = message.error(), message.partition()
        if error is None or number is None or error.code() not in _POSITION_LOST:
            return
        reason = f"the input is gone: {error.str()}"
        if self._goes_on:
            # Of a log that was cut there may be as much again by now: no recovery would see it.
            self._recover_again(number, reason, lost=reason if _TRUNCATED in reason else "")
        else:
            remedy = 'Set missing_history = "cold_start" to go on with empty state'
            offset = message.offset()
            self._stop(number, -1 if offset is None else offset, f"{reason}. {remedy}")

    def replaced_topic(self, partition: Partition) -> None:
        """The topic that a partition's state is of is gone, and there is another one of its name.

        Raises:
            RetryableError: as `failure`.
        """
        if self._goes_on:
            self._recover_again(partition.number, ANOTHER_TOPIC, lost=ANOTHER_TOPIC)
        else:
            self._stop(partition.number, partition.next_offset, ANOTHER_TOPIC)

    @property
    def _goes_on(self) -> bool:
        return self._config.missing_history is MissingHistory.COLD_START

    def _recover_again(self, number: int, reason: str, *, lost: str = "") -> None:
        """Let one partition's recovery find what is left of its past."""
        if number not in self._assignment.active():
            return
        _log.warning("position_lost", partition=number, reason=reason)
        self._membership.take_up_again(number)
        # Recovery waits for the end of the open transaction, in which its outputs may be.
        self._cycle.commit_now(self._membership)
        self._assignment.drop([number])
        self._assignment.add([number], lost=lost)

    def _stop(self, number: int, offset: int, reason: str) -> None:
        partition = self._assignment.active().get(number)
        if partition is None:
            return
        self._membership.pause([number])
        topic = self._config.topics.ticks
        error = HistoryLostError(reason, topic=topic, partition=number, offset=offset)
        self._assignment.fail(partition, error)
