"""Puts a worker together and runs it: the one place that knows every collaborator."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from schemas import TickCodec
from snapshots import ObjectStore, SnapshotWriter, current_header, open_store
from workers.assignment import Assignment
from workers.batching.decider import Decider
from workers.batching.pipeline import Pipeline
from workers.brokers.topic_identity import TopicIdentity
from workers.brokers.topic_watch import TopicWatch
from workers.brokers.topics import check_topics
from workers.checkpoints import Checkpoints
from workers.clock import Clock, SystemClock
from workers.compute.state_table import StateTable
from workers.config import Delivery, WorkerConfig
from workers.delivery.at_least_once import AtLeastOnceOutputs
from workers.delivery.cycle import CommitCycle
from workers.delivery.first_commit import FirstCommits
from workers.delivery.output_limits import OutputLimits
from workers.delivery.outputs import Outputs
from workers.delivery.transactional import TransactionalOutputs
from workers.emission.emitter import Emitter
from workers.emission.framing import AttendedFraming, framing_by_topic
from workers.fleet_dumps import FleetDumps
from workers.group.membership import Membership
from workers.group.ownership import OwnershipWatch
from workers.journal.reader import JournalReader
from workers.lifecycle.garbage import calm_collector
from workers.lifecycle.renewal import Renewal
from workers.lifecycle.shutdown import stop_in_order
from workers.lifecycle.stuck_guard import StuckGuard
from workers.recovery.desk import RecoveryDesk
from workers.recovery.planner import plan_recovery
from workers.telemetry.gauges import Gauges
from workers.telemetry.health import WorkerHealth
from workers.telemetry.metrics import Telemetry
from workers.telemetry.traces import NullTracer, Tracer
from workers.worker import Worker, WorkerParts

__all__ = ["run_worker"]

_log = structlog.get_logger()
_TRY_AGAIN_S: Final = 5.0


def run_worker(
    config: WorkerConfig,
    *,
    telemetry: Telemetry,
    health: WorkerHealth,
    stop_requested: Callable[[], bool],
    clock: Clock | None = None,
    tracer: Tracer | None = None,
) -> bool:
    """Run one worker until it is asked to stop, then stop it in order.

    Where files that its clients were made with are renewed it stops in order, too, and goes on with
    new clients: state, topics and store are as after a restart, and the process stays.

    Args:
        config: everything it runs on.
        telemetry: where metrics go.
        health: what probes read.
        stop_requested: asked each turn.
        clock: None is this machine's.
        tracer: where spans go; None is nowhere.

    Returns:
        False if a thread still waits for the store or Kafka and would hold up the process's end.

    Raises:
        TopicLayoutError: a topic is missing or has the wrong number of partitions.
        FencedError: another live worker uses this worker's id.
        StoreAccessError: the snapshot store refuses us.
    """
    check_topics(config)
    store = open_store(config.snapshot_url, config.store_options)
    clock, finished = clock or SystemClock(), True
    while True:
        renewal = Renewal(config, clock)
        parts, worker = _assemble(
            config,
            store,
            telemetry=telemetry,
            health=health,
            clock=clock,
            tracer=tracer or NullTracer(),
        )
        ended = partial(_ended, worker, stop_requested, renewal)
        finished &= _live(parts, worker, ended)
        del parts, worker, ended
        # The files may have been written again since they were tried.
        while not stop_requested() and not renewal.usable():
            health.beat()
            time.sleep(_TRY_AGAIN_S)
        if stop_requested():
            return finished


def _ended(worker: Worker, stop_requested: Callable[[], bool], renewal: Renewal) -> bool:
    return stop_requested() or renewal.due(lambda: worker.calm)


def _live(parts: WorkerParts, worker: Worker, end: Callable[[], bool]) -> bool:
    """From the first turn to the orderly end; whether no thread is left waiting."""
    calm_collector()
    _log.info("worker_started", worker=parts.config.worker_id, group=parts.config.group_id)
    with parts.guard:
        worker.run(end)
        return stop_in_order(worker, parts)


def _assemble(
    config: WorkerConfig,
    store: ObjectStore,
    *,
    telemetry: Telemetry,
    health: WorkerHealth,
    clock: Clock,
    tracer: Tracer,
) -> tuple[WorkerParts, Worker]:
    framing_of = framing_by_topic(config)
    header = current_header(config.predictor, config.dtype)
    table = StateTable(config.predictor, config.dtype)
    journal = JournalReader(config, framing_of(config.topics.journal))
    checkpoints = Checkpoints(
        config,
        SnapshotWriter(store, header, keep=config.snapshots_kept),
        table,
        journal_end=journal.end,
        clock=clock,
        telemetry=telemetry,
        tracer=tracer,
    )
    identity = TopicIdentity(config)
    topic_watch = TopicWatch(config, identity, clock)
    desk = RecoveryDesk(
        lambda number, lost: plan_recovery(
            config, store, header, journal, number, identity=identity, lost=lost
        ),
        clock,
    )
    assignment = Assignment(
        table,
        desk,
        checkpoints,
        FirstCommits(config),
        clock=clock,
        telemetry=telemetry,
        tracer=tracer,
    )
    limits = OutputLimits(config)
    outputs: Outputs = (
        TransactionalOutputs(config, limits)
        if config.delivery is Delivery.EXACTLY_ONCE
        else AtLeastOnceOutputs(config, limits)
    )
    guard = StuckGuard(config.stuck_after_s)
    codec = TickCodec(
        AttendedFraming(framing_of(config.topics.ticks), guard.renew),
        allow_nonpositive_prices=config.allow_nonpositive_prices,
    )
    parts = WorkerParts(
        config=config,
        assignment=assignment,
        pipeline=Pipeline(config.predictor, table, codec, config.topics.ticks),
        emitter=Emitter(config, framing_of, telemetry, letter_limit_bytes=limits.letter_bytes),
        outputs=outputs,
        checkpoints=checkpoints,
        dumps=FleetDumps(config, store, table, clock=clock, telemetry=telemetry),
        cycle=CommitCycle(
            config,
            outputs,
            assignment,
            checkpoints,
            clock=clock,
            telemetry=telemetry,
            tracer=tracer,
        ),
        decider=Decider(config, clock, telemetry),
        gauges=Gauges(
            assignment, table, topic_watch, clock=clock, telemetry=telemetry, health=health
        ),
        desk=desk,
        clock=clock,
        telemetry=telemetry,
        tracer=tracer,
        health=health,
        guard=guard,
        ownership=OwnershipWatch(config, telemetry),
        topic_watch=topic_watch,
    )
    return parts, Worker(parts, lambda listener: Membership(config, listener, telemetry, clock))
