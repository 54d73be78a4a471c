"""The partitions this worker holds, and their way from assigned to live.

Single owner: the loop's thread. Rebalance callbacks run on it too.
"""

from collections.abc import Iterable

import structlog

from core.errors import TickFleetError
from schemas import EVENT_TIME
from workers.batching.decisions import Decision
from workers.checkpoints import Checkpoints
from workers.clock import Clock
from workers.compute.state_table import StateTable
from workers.delivery.first_commit import FirstCommits
from workers.errors import StalledClientError
from workers.group.membership import Membership
from workers.partition import Partition, Phase
from workers.recovery.desk import RecoveryDesk
from workers.recovery.plan import RecoveryPlan
from workers.telemetry.metrics import M, Telemetry
from workers.telemetry.traces import Span, Tracer

__all__ = ["Assignment"]

_log = structlog.get_logger()


class Assignment:
    """Partitions by number, with the transitions between their phases.

    Args:
        table: where their assets' rows are.
        desk: plans recoveries.
        checkpoints: follows the live ones.
        first_commits: sees to it that the group has an offset of each.
        clock: measures recovery time.
        telemetry: recovery metrics.
        tracer: told of each recovery.
    """

    def __init__(
        self,
        table: StateTable,
        desk: RecoveryDesk,
        checkpoints: Checkpoints,
        first_commits: FirstCommits,
        *,
        clock: Clock,
        telemetry: Telemetry,
        tracer: Tracer,
    ) -> None:
        self._table = table
        self._desk = desk
        self._checkpoints = checkpoints
        self._clock = clock
        self._telemetry = telemetry
        self._tracer = tracer
        self._partitions: dict[int, Partition] = {}
        self._planned: dict[Partition, RecoveryPlan] = {}
        self._first_commits = first_commits

    def all(self) -> list[Partition]:
        """Every assigned partition."""
        return list(self._partitions.values())

    def live(self) -> list[Partition]:
        """Partitions that answer ticks."""
        return [p for p in self._partitions.values() if p.phase is Phase.LIVE]

    def replaying(self) -> list[Partition]:
        """Partitions that step again what was answered."""
        return [p for p in self._partitions.values() if p.phase is Phase.REPLAYING]

    def active(self) -> dict[int, Partition]:
        """Partitions that take input, by number."""
        return {number: p for number, p in self._partitions.items() if p.active}

    def next_offset_of(self, number: int) -> int | None:
        """The next input offset a partition expects; None where it takes no input."""
        partition = self._partitions.get(number)
        return partition.next_offset if partition is not None and partition.active else None

    def count(self, phase: Phase) -> int:
        """How many partitions are in a phase."""
        return sum(p.phase is phase for p in self._partitions.values())

    def add(self, numbers: Iterable[int], *, lost: str = "") -> None:
        """Take partitions over and begin to recover them.

        Args:
            numbers: the partitions.
            lost: why a replay cannot lead to their state, where one has tried.
        """
        for number in numbers:
            self._begin(number, lost)

    def drop(self, numbers: Iterable[int]) -> None:
        """Let partitions go: their rows are free, what is under way for them is forgotten."""
        for number in numbers:
            partition = self._partitions.pop(number, None)
            if partition is not None:
                self._forget(partition)

    def recover_again(self, membership: Membership) -> None:
        """After an uncertain output: every partition that took input starts from its snapshot."""
        numbers = [p.number for p in self._partitions.values() if p.active]
        membership.pause(numbers)
        self.drop(numbers)
        self.add(numbers)

    def install_finished(self, membership: Membership) -> None:
        """Install plans that are ready and let their partitions flow."""
        for partition, outcome in self._desk.finished():
            if isinstance(outcome, TickFleetError):
                self.fail(partition, outcome)
            else:
                self._planned[partition] = outcome
        for partition, plan in list(self._planned.items()):
            try:
                self._first_commits.see_to(partition, plan, membership)
                membership.start_at(partition.number, plan.start_offset)
            except StalledClientError as error:
                _log.debug("start_postponed", partition=partition.number, reason=str(error))
                continue
            del self._planned[partition]
            self._install(partition, plan)

    def finish_replays(self) -> None:
        """Partitions whose replay has reached C go live."""
        for partition in self._partitions.values():
            if partition.phase is Phase.REPLAYING and partition.next_offset > partition.emitted_to:
                self._go_live(partition)

    def fail(self, partition: Partition, error: TickFleetError) -> None:
        """Stop one partition for an operator; the others go on."""
        if partition.phase is not Phase.LIVE:
            self._trace(partition, problem=str(error))
        partition.phase = Phase.FAILED
        # A snapshot under way would never be finished, and a stop would wait for it.
        self._checkpoints.forget(partition)
        self._telemetry.set(M.FAILED_PARTITIONS, self.count(Phase.FAILED))
        _log.error("partition_stopped", partition=partition.number, reason=str(error))

    def _begin(self, number: int, lost: str) -> None:
        partition = Partition(number, self._clock.monotonic_s(), lost=lost)
        self._partitions[number] = partition
        self._desk.open(partition)

    def _forget(self, partition: Partition) -> None:
        self._desk.cancel(partition)
        self._planned.pop(partition, None)
        self._first_commits.forget(partition)
        self._checkpoints.forget(partition)
        self._table.release(partition.row_array())
        self._telemetry.set(M.FAILED_PARTITIONS, self.count(Phase.FAILED))

    def _install(self, partition: Partition, plan: RecoveryPlan) -> None:
        if plan.restored is not None:
            image = plan.restored.image
            rows = self._table.restore(image.rows, image.last_timestamp_ns, image.sequence)
            partition.adopt((asset.encode() for asset in image.asset_ids), rows)
            partition.durable = plan.restored.ref
            if image.last_decision is not None:
                partition.last_decision = Decision(EVENT_TIME, *image.last_decision)
        partition.next_offset = partition.replay_from = plan.start_offset
        partition.emitted_to = plan.emitted_to
        partition.commit_offset = plan.commit_offset
        partition.journal_position = plan.journal_position
        partition.log = plan.log
        partition.topic_id = plan.topic_id
        partition.last_decision = plan.log.last or partition.last_decision
        partition.phase = Phase.REPLAYING
        partition.installed_s = self._clock.monotonic_s()
        self._checkpoints.adopt(partition, plan.restored)
        self._telemetry.inc(M.RECOVERIES, source=plan.source)
        if plan.source == "parent":
            self._telemetry.inc(M.CORRUPT_SNAPSHOTS, partition=str(partition.number))
        _log.info(
            "partition_recovered",
            partition=partition.number,
            source=plan.source,
            snapshot_offset=plan.start_offset,
            answered_to=plan.emitted_to,
            assets=len(partition.assets),
        )

    def _go_live(self, partition: Partition) -> None:
        partition.phase = Phase.LIVE
        took_s = self._clock.monotonic_s() - partition.assigned_s
        self._telemetry.observe(M.RECOVERY_SECONDS, took_s)
        _log.info(
            "partition_live",
            partition=partition.number,
            offset=partition.next_offset,
            seconds=took_s,
        )
        self._trace(partition)

    def _trace(self, partition: Partition, problem: str = "") -> None:
        if not self._tracer.active:
            return
        now_s = self._clock.monotonic_s()
        installed_s = partition.installed_s or now_s
        stages = {"plan": installed_s - partition.assigned_s, "replay": now_s - installed_s}
        attributes = {
            "partition": partition.number,
            "snapshot_offset": partition.replay_from,
            "answered_to": partition.emitted_to,
            "assets": len(partition.assets),
        }
        took_s = now_s - partition.assigned_s
        self._tracer.record(Span("recovery", took_s, stages, attributes, problem=problem))
