"""Snapshots of live partitions: what is written again, from where the journal is read, how old."""

import numpy as np
from structlog.testing import capture_logs

from snapshots import (
    SnapshotScope,
    SnapshotWriter,
    StoreError,
    current_header,
    list_snapshots,
    load_manifest,
    missing_chunks,
)
from tests.snapshots.memory_store import MemoryStore
from tests.workers.telemetry.test_gauges import SteppedClock
from workers import M, MetricDef, NullTelemetry, WorkerConfig
from workers.checkpoints import Checkpoints
from workers.compute.state_table import StateTable
from workers.partition import Partition, Phase
from workers.telemetry.traces import NullTracer

CONFIG = WorkerConfig("b:1", "group", "w-0", "file:///unused")
SCOPE = SnapshotScope("group", "ticks", 3)


class Counted(NullTelemetry):
    """Remembers which counters moved."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        self.names.append(metric.name)


class Worker:
    """One live partition of 130 assets, three chunks, and the end of its journal."""

    def __init__(self) -> None:
        self.store, self.clock, self.telemetry = MemoryStore(), SteppedClock(), Counted()
        self.table = StateTable(CONFIG.predictor, "float64")
        self.partition = Partition(3, 0.0, Phase.LIVE)
        self.rows = self.table.allocate(130)
        self.partition.adopt([b"A%d" % i for i in range(130)], self.rows)
        self.journal_end = 500
        self.writer = SnapshotWriter(self.store, current_header(CONFIG.predictor))
        self.checkpoints = Checkpoints(
            CONFIG,
            self.writer,
            self.table,
            journal_end=lambda _number: self.journal_end,
            clock=self.clock,
            telemetry=self.telemetry,
            tracer=NullTracer(),
        )

    def collected(self) -> None:
        """The collection of garbage under way has ended, and the loop has looked."""
        self.writer.collect_garbage(SCOPE, set()).result(10.0)
        self.checkpoints.advance([self.partition])

    def save(self, offset: int, took_s: float = 0.0) -> None:
        """A snapshot from beginning to end."""
        self.partition.next_offset = offset
        self.checkpoints.advance([self.partition], due_now=True)
        self.clock.now_s += took_s
        self.checkpoints.drain([self.partition], 10.0)

    def commit(self, snapshots: int) -> None:
        """So many snapshots that a commit names, one asset's ticks between them."""
        for number in range(1, snapshots + 1):
            self.table.dirty[self.rows[0]] = True
            self.save(10 * number)
            self.checkpoints.committed(self.partition)


def test_only_what_has_changed_since_is_written_again() -> None:
    worker = Worker()
    worker.save(10)
    assert len(worker.store.written("chunks")) == 3
    worker.table.dirty[worker.rows[70]] = True
    worker.save(20)
    assert len(worker.store.written("chunks")) == 4
    assert worker.partition.commit_offset == 20
    assert worker.telemetry.names == [M.SNAPSHOTS.name] * 2
    assert worker.checkpoints.close(10.0)


def test_a_snapshot_is_as_old_as_what_it_holds() -> None:
    worker = Worker()
    worker.clock.now_s = 300.0
    worker.save(10, took_s=4.0)
    assert worker.partition.saved_s == 300.0
    assert worker.checkpoints.close(10.0)


def test_the_journal_is_never_read_from_before_where_recovery_had_read_it_to() -> None:
    worker = Worker()
    for end, known, expected in ((500, 100, 500), (90, 600, 600)):
        worker.journal_end, worker.partition.journal_position = end, known
        worker.save(worker.partition.next_offset + 10)
        ref = worker.partition.durable
        assert ref is not None
        assert load_manifest(worker.store, SCOPE, ref).journal_position == expected
    assert worker.checkpoints.close(10.0)


def test_chunks_that_the_store_has_lost_are_found_and_written_again() -> None:
    """Also where no tick comes any more: what the commit names must be whole."""
    worker = Worker()
    worker.commit(10)
    worker.collected()
    assert M.CORRUPT_SNAPSHOTS.name not in worker.telemetry.names
    named = worker.partition.durable
    assert named is not None
    manifest = load_manifest(worker.store, SCOPE, named)
    del worker.store.objects[SCOPE.chunk_key(manifest.chunks[1].sha256)]
    for _ in range(10):
        worker.checkpoints.committed(worker.partition)
    worker.collected()
    assert worker.telemetry.names.count(M.CORRUPT_SNAPSHOTS.name) == 1
    worker.save(100)
    assert worker.partition.commit_offset == 100
    assert missing_chunks(worker.store, manifest) == 0
    manifests = len(worker.store.list(SCOPE.manifest_prefix))
    worker.save(100)
    assert len(worker.store.list(SCOPE.manifest_prefix)) == manifests
    assert worker.checkpoints.close(10.0)


def test_snapshots_of_another_topic_stay_and_are_told_of_once() -> None:
    worker = Worker()
    worker.partition.topic_id = "theirs"
    worker.save(10)
    theirs = worker.partition.durable
    assert theirs is not None
    worker.checkpoints.forget(worker.partition)
    worker.partition.topic_id = "ours"
    with capture_logs() as lines:
        for offset in range(20, 220, 10):
            worker.save(offset)
            worker.checkpoints.committed(worker.partition)
            for collection in list(worker.checkpoints._upkeep._collections.values()):
                collection.result(10.0)
                worker.checkpoints.advance([worker.partition])
    assert [ref.offset for ref in list_snapshots(worker.store, SCOPE)][-1] == 10
    assert load_manifest(worker.store, SCOPE, theirs).topic_id == "theirs"
    told = [line for line in lines if line["event"] == "snapshots_of_another_topic"]
    assert [(line["count"], line["newest_offset"]) for line in told] == [(1, 10)]
    assert worker.checkpoints.close(10.0)


def test_a_failed_snapshot_is_counted_and_its_rows_are_written_by_the_next() -> None:
    worker = Worker()

    def fail(action: str, _key: str) -> None:
        if action == "put":
            raise StoreError("away")

    worker.store.before = fail
    worker.clock.now_s += 100.0
    worker.save(10)
    assert not worker.checkpoints.is_stored(worker.partition)
    assert (worker.partition.commit_offset, worker.partition.durable) == (0, None)
    worker.store.before = lambda _action, _key: None
    worker.save(10)
    assert worker.checkpoints.is_stored(worker.partition)
    assert worker.partition.commit_offset == 10
    assert len(worker.store.list(SCOPE.chunk_prefix)) == 3
    assert worker.telemetry.names == [M.SNAPSHOT_FAILURES.name, M.SNAPSHOTS.name]
    assert not np.any(worker.table.dirty[worker.rows])
    assert worker.checkpoints.close(10.0)


def test_a_store_that_is_full_of_garbage_frees_itself() -> None:
    worker = Worker()
    worker.commit(8)
    room = len(worker.store.objects)

    def fill(action: str, key: str) -> None:
        if action == "put" and len(worker.store.objects) >= room:
            raise StoreError(f"cannot write {key}: no space left")

    worker.store.before = fill
    worker.table.dirty[worker.rows[0]] = True
    for _ in range(3):
        worker.save(100)
        for collection in list(worker.checkpoints._upkeep._collections.values()):
            collection.result(10.0)
    assert worker.partition.commit_offset == 100
    assert worker.telemetry.names.count(M.SNAPSHOT_FAILURES.name) == 2
    assert worker.checkpoints.close(10.0)
