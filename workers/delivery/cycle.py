"""When outputs are committed, and which input offsets go with them.

The offsets are those of the last durable snapshots, sent again with every commit: that is what
lets the group's generation fence a worker which has lost its partitions without noticing.
"""

from collections.abc import Iterable, Sequence

from confluent_kafka import TopicPartition

from workers.assignment import Assignment
from workers.checkpoints import Checkpoints
from workers.clock import Clock
from workers.config import WorkerConfig
from workers.delivery.outputs import Outputs
from workers.delivery.receipt import Receipt
from workers.errors import OutputUncertainError
from workers.group.membership import Membership
from workers.partition import Partition, Phase
from workers.telemetry.metrics import M, Telemetry
from workers.telemetry.traces import Span, Tracer

__all__ = ["CommitCycle"]

_RECOVERY_WAIT_S = 0.005


class CommitCycle:
    """Spaces commits by `commit_interval_ms` and keeps book of what they covered.

    Args:
        config: the interval and the ticks topic.
        outputs: where commits are made.
        assignment: the partitions.
        checkpoints: told when a snapshot's offset is committed.
        clock: measures the interval.
        telemetry: commit metrics.
        tracer: told of each transaction.
    """

    def __init__(
        self,
        config: WorkerConfig,
        outputs: Outputs,
        assignment: Assignment,
        checkpoints: Checkpoints,
        *,
        clock: Clock,
        telemetry: Telemetry,
        tracer: Tracer,
    ) -> None:
        self._config = config
        self._outputs = outputs
        self._assignment = assignment
        self._checkpoints = checkpoints
        self._clock = clock
        self._telemetry = telemetry
        self._tracer = tracer
        self._begun_ns = 0
        self._offsets: Sequence[TopicPartition] = ()
        self._interval_s = config.commit_interval_ms / 1000
        self._begun_s = float("-inf")
        self._touched: set[Partition] = set()
        self._open, self._pending = Receipt(), Receipt()

    def touch(self, partitions: Iterable[Partition]) -> None:
        """These partitions have outputs in the open cycle."""
        for partition in partitions:
            partition.receipt = self._open
            self._touched.add(partition)

    def reset(self) -> None:
        """The open cycle and the commit under way are void."""
        self._touched.clear()
        self._open, self._pending = Receipt(), Receipt()

    def wait_s(self) -> float:
        """How long a fetch may wait for its first record."""
        if self._assignment.count(Phase.RESTORING):
            return _RECOVERY_WAIT_S
        longest_s = self._config.poll_timeout_ms / 1000
        if not self._outputs.committing and self._due_partitions():
            due_in_s = self._begun_s + self._interval_s - self._clock.monotonic_s()
            return min(max(due_in_s, 0.0), longest_s)
        return longest_s

    def advance(self, membership: Membership) -> None:
        """Begin a commit if one is due; waits for the one under way only when it is overdue.

        Raises:
            OutputUncertainError: the previous commit failed.
        """
        if self._outputs.committing and not self._outputs.overdue:
            return
        self.settle()
        since_s = self._clock.monotonic_s() - self._begun_s
        if since_s >= self._interval_s and self._due_partitions():
            self._begin(membership)

    def settle(self) -> None:
        """Wait for the commit under way: a transaction takes no messages while it commits.

        Raises:
            OutputUncertainError: it failed.
        """
        try:
            offsets = self._outputs.settle()
        except OutputUncertainError as error:
            self._trace((self._clock.now_ns() - self._begun_ns) / 1e9, str(error))
            raise
        self._book(offsets)

    def commit_now(self, membership: Membership) -> None:
        """Commit everything produced and every durable snapshot, and wait for it.

        Raises:
            OutputUncertainError: it failed.
        """
        self.settle()
        if self._due_partitions():
            self._begin(membership)
            self.settle()

    def _due_partitions(self) -> list[Partition]:
        return [
            partition
            for partition in self._assignment.live()
            if partition in self._touched or partition.commit_offset != partition.committed_offset
        ]

    def _begin(self, membership: Membership) -> None:
        topic = self._config.topics.ticks
        offsets = [
            TopicPartition(topic, p.number, p.commit_offset, p.commit_metadata)
            for p in self._due_partitions()
        ]
        self._begun_s = self._clock.monotonic_s()
        self._begun_ns, self._offsets = self._clock.now_ns(), offsets
        self._outputs.start_commit(offsets, membership.ticket())
        self._open, self._pending = Receipt(), self._open
        self._touched.clear()

    def _book(self, offsets: Sequence[TopicPartition]) -> None:
        if not offsets:
            return
        self._pending.committed = True
        self._telemetry.inc(M.COMMITS)
        self._telemetry.observe(M.COMMIT_SECONDS, self._outputs.commit_s)
        self._trace(self._outputs.commit_s)
        live = {partition.number: partition for partition in self._assignment.live()}
        for committed in offsets:
            partition = live.get(committed.partition)
            if partition is not None and partition.committed_offset != committed.offset:
                partition.committed_offset = committed.offset
                self._checkpoints.committed(partition)

    def _trace(self, took_s: float, problem: str = "") -> None:
        if not self._tracer.active:
            return
        attributes = {
            "partitions": [one.partition for one in self._offsets],
            "snapshot_offsets": [one.offset for one in self._offsets],
        }
        # It ended on its own thread, before the loop looked.
        ended_ns = self._begun_ns + int(took_s * 1e9)
        self._tracer.record(
            Span("transaction", took_s, {}, attributes, problem=problem, ended_ns=ended_ns)
        )
