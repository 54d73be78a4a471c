"""The worker's loop: fetch, step, publish, commit, snapshot; and what it does on rebalances.

One thread owns everything here. Commits, recoveries and snapshots wait on threads of their
own; the loop only looks whether they are done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from confluent_kafka import Message

from core.errors import RetryableError
from schemas import RegistryDeniedError
from workers.assignment import Assignment
from workers.batching.decider import Decider
from workers.batching.gaps import before_gaps
from workers.batching.pipeline import Pipeline, SteppedBatch
from workers.batching.records import RecordBatch, batch_records
from workers.brokers.topic_watch import TopicWatch
from workers.checkpoints import Checkpoints
from workers.clock import Clock
from workers.config import WorkerConfig
from workers.delivery.cycle import CommitCycle
from workers.delivery.outputs import Outputs
from workers.emission.emitter import Emitter
from workers.errors import OutputTopicsError, OutputUncertainError, UnrepeatableError
from workers.faults import fault_point
from workers.fleet_dumps import FleetDumps
from workers.group.membership import Fetched, Membership
from workers.group.ownership import OwnershipWatch
from workers.lifecycle.pacing import Pacing
from workers.lifecycle.stuck_guard import StuckGuard
from workers.partition import Phase
from workers.recovery.desk import RecoveryDesk
from workers.setbacks import Setbacks
from workers.telemetry.gauges import Gauges
from workers.telemetry.health import WorkerHealth
from workers.telemetry.metrics import M, Telemetry
from workers.telemetry.traces import Span, Stopwatch, Tracer, Untimed

__all__ = ["Worker", "WorkerParts"]

_log = structlog.get_logger()
_CONGESTION_SLICE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker is made of; `workers.assembly` puts it together."""

    config: WorkerConfig
    assignment: Assignment
    pipeline: Pipeline
    emitter: Emitter
    outputs: Outputs
    checkpoints: Checkpoints
    dumps: FleetDumps
    cycle: CommitCycle
    decider: Decider
    gauges: Gauges
    desk: RecoveryDesk
    clock: Clock
    telemetry: Telemetry
    tracer: Tracer
    health: WorkerHealth
    guard: StuckGuard
    ownership: OwnershipWatch
    topic_watch: TopicWatch


class Worker:
    """Answers the ticks of its partitions until it is told to stop.

    Args:
        parts: the collaborators.
        join: makes the group member that reports rebalances to this worker.
    """

    def __init__(self, parts: WorkerParts, join: Callable[["Worker"], Membership]) -> None:
        self._parts = parts
        self._uncertain = True
        self._pacing = Pacing(parts.clock)
        self._watch = Untimed()
        self._membership = join(self)
        self._setbacks = Setbacks(
            parts.config, parts.assignment, parts.cycle, self._membership, parts.telemetry
        )

    @property
    def membership(self) -> Membership:
        """The seat in the group."""
        return self._membership

    @property
    def uncertain(self) -> bool:
        """Whether the state may be ahead of what is committed: then nothing of it may be kept."""
        return self._uncertain

    @property
    def calm(self) -> bool:
        """Whether to begin anew costs no answers: the store has what is read then, or there are
        none now.
        """
        parts = self._parts
        if self._uncertain or not parts.outputs.ready:
            return True
        return all(
            one.phase is Phase.LIVE and parts.checkpoints.is_stored(one)
            for one in parts.assignment.all()
        )

    def doubt(self) -> None:
        """From here on the state may be ahead of what is committed."""
        self._uncertain = True

    def run(self, stop_requested: Callable[[], bool]) -> None:
        """Work until asked to stop; the orderly end is `workers.lifecycle.shutdown`.

        Raises:
            FencedError: another live worker uses this worker's id.
            OutputsRefusedError: the brokers will not have this worker's producer.
        """
        while not stop_requested():
            self.turn()

    def turn(self) -> None:
        """Go round the loop once."""
        parts = self._parts
        parts.health.beat()
        parts.guard.renew()
        if self._uncertain or not parts.outputs.ready:
            self._start_anew()
        else:
            try:
                self._work()
            except (RetryableError, RegistryDeniedError) as error:
                # Keys are rotated: a registry that refuses need not do so for long.
                log = _log.error if isinstance(error, RegistryDeniedError) else _log.warning
                log("outputs_uncertain", reason=str(error))
                parts.telemetry.inc(M.COMMIT_FAILURES)
                self._uncertain = True
        parts.gauges.report(self._membership, ready=parts.outputs.ready and not self._uncertain)

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """New partitions: recover them in the background."""
        _log.info("partitions_assigned", partitions=sorted(partitions))
        self._parts.assignment.add(partitions)
        self._parts.ownership.begin()

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Commit what is open while the group still lets us, then drop the rows."""
        _log.info("partitions_revoked", partitions=sorted(partitions))
        try:
            if not self._uncertain:
                self._parts.cycle.commit_now(self._membership)
        except RetryableError as error:
            _log.warning("commit_failed_in_revoke", reason=str(error))
            self._uncertain = True
        self._parts.assignment.drop(partitions)

    def on_lost(self, partitions: Sequence[int]) -> None:
        """The group went on without us: whatever is open must not become visible."""
        _log.warning("partitions_lost", partitions=sorted(partitions))
        self._uncertain = True
        self._parts.assignment.drop(partitions)

    def _work(self) -> None:
        parts = self._parts
        self._watch = Stopwatch() if parts.tracer.active else Untimed()
        parts.assignment.install_finished(self._membership)
        parts.assignment.finish_replays()
        if parts.outputs.congested:
            self._wait_for_outputs()
        else:
            wait_s = parts.cycle.wait_s()
            self._take(self._membership.fetch(parts.config.max_batch_records, wait_s))
        if self._uncertain:
            return
        parts.assignment.finish_replays()
        for partition in parts.assignment.replaying():
            self._setbacks.behind_the_end(partition)
        parts.cycle.advance(self._membership)
        parts.checkpoints.advance(parts.assignment.all())
        for partition in parts.topic_watch.look(parts.assignment.all()):
            self._setbacks.replaced_topic(partition)

    def _start_anew(self) -> None:
        """A new producer, and every partition from its snapshot: the remedy for any doubt."""
        parts = self._parts
        # Where the ticks end is told meanwhile, too; what was replaced is recovered in any case.
        parts.topic_watch.look(parts.assignment.all())
        parts.outputs.discard()
        parts.cycle.reset()
        if not self._pacing.due:
            self._membership.pause(list(parts.assignment.active()))
            self._stay()
            return
        parts.assignment.recover_again(self._membership)
        try:
            parts.outputs.restart()
        except OutputTopicsError as error:
            _log.error("outputs_refused", reason=str(error))
            parts.telemetry.inc(M.COMMIT_FAILURES)
            self._pacing.begin()
        except OutputUncertainError as error:
            _log.warning("outputs_not_ready", reason=str(error))
            self._stay()
        else:
            self._pacing.begin()
            self._uncertain = False

    def _stay(self) -> None:
        """Stay in the group; nothing flows, every partition is paused."""
        self._membership.fetch(1, _CONGESTION_SLICE_S)

    def _take(self, fetched: Fetched) -> None:
        for failure in fetched.failures:
            self._setbacks.failure(failure)
        if fetched.records and not self._uncertain:
            self._take_records(fetched.records)

    def _take_records(self, messages: Sequence[Message]) -> None:
        self._watch.mark("consume")
        assignment = self._parts.assignment
        records = batch_records(messages, assignment.next_offset_of)
        records = before_gaps(records, assignment.active(), self._setbacks.gap)
        fault_point("after_consume")
        if len(records):
            self._process(records)

    def _process(self, records: RecordBatch) -> None:
        parts = self._parts
        begun_s = parts.clock.monotonic_s()
        try:
            batch = parts.pipeline.run(
                records, parts.assignment.active(), parts.decider.decide, self._watch
            )
        except UnrepeatableError as error:
            # Nothing was stepped yet: the other partitions' records go on without this one's.
            self._setbacks.unrepeatable(error)
            self._take_records(records.messages)
            return
        latency_s = parts.clock.monotonic_s() - begun_s
        fault_point("after_step")
        self._count(records, batch, latency_s)
        if not batch.spans:
            fault_point("during_replay")
            self._trace(records, batch)
            return
        parts.decider.observe(begun_s=begun_s, latency_s=latency_s)
        emission = parts.emitter.encode(records, batch)
        self._watch.mark("encode")
        parts.cycle.settle()
        self._watch.mark("await_commit")
        parts.cycle.touch(span.partition for span in batch.spans)
        parts.outputs.produce(emission)
        fault_point("after_produce")
        self._watch.mark("produce")
        parts.dumps.look(batch.results, parts.assignment.active())
        self._trace(records, batch)

    def _trace(self, records: RecordBatch, batch: SteppedBatch) -> None:
        watch, self._watch = self._watch, Untimed()
        if not isinstance(watch, Stopwatch):
            return
        attributes: dict[str, int | Sequence[int]] = {
            "records": len(records),
            "results": len(batch.results.source_offset),
            "replayed": batch.replayed,
            "dead_letters": len(batch.rejections),
            "partitions": [span.partition.number for span in batch.spans],
            "from_offsets": [span.from_offset for span in batch.spans],
            "to_offsets": [span.to_offset for span in batch.spans],
        }
        took_s = sum(watch.stages.values())
        self._parts.tracer.record(Span("batch", took_s, watch.stages, attributes))

    def _count(self, records: RecordBatch, batch: SteppedBatch, latency_s: float) -> None:
        telemetry = self._parts.telemetry
        telemetry.observe(M.BATCH_RECORDS, len(records))
        telemetry.observe(M.STEP_SECONDS, latency_s)
        telemetry.inc(M.TICKS, len(batch.results.source_offset))
        if batch.replayed:
            telemetry.inc(M.REPLAYED, batch.replayed)

    def _wait_for_outputs(self) -> None:
        """Outputs are slower than input: hold the input, stay in the group."""
        parts = self._parts
        begun_s = parts.clock.monotonic_s()
        held = list(parts.assignment.active())
        self._membership.pause(held)
        parts.outputs.poll(_CONGESTION_SLICE_S)
        self._take(self._membership.fetch(1, 0.0))
        self._membership.resume(list(parts.assignment.active()))
        parts.telemetry.inc(M.BACKPRESSURE_SECONDS, parts.clock.monotonic_s() - begun_s)
