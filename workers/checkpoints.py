"""When and how partitions are snapshotted, without the loop ever waiting for the store.

A snapshot goes through four stages: ask for the journal's end (I/O thread), copy the rows (loop),
wait for the commit that covers them, store them (I/O thread). Invariants: the journal position is
asked for before the rows are copied, so that it stands before every record the snapshot's successor
ticks will write; and no state is stored before its results are committed: where they never are, it
is dropped with its partition, since its ticks may be answered under other decisions.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

import structlog

from core.errors import TickFleetError
from snapshots import (
    ManifestRef,
    PartitionImage,
    Restored,
    SnapshotScope,
    SnapshotWriter,
)
from snapshots.io_threads import IoThreads
from workers.clock import Clock
from workers.compute.state_table import StateTable
from workers.config import WorkerConfig
from workers.delivery.receipt import Receipt
from workers.faults import fault_point, fault_point_during
from workers.partition import Partition, Phase
from workers.telemetry.metrics import M, Telemetry
from workers.telemetry.traces import Span, Tracer
from workers.upkeep import Upkeep

__all__ = ["Checkpoints"]

_log = structlog.get_logger()


@dataclass(slots=True)
class _InFlight:
    """One partition's snapshot under way: the journal's end, the copy, then the write.

    `receipt` is that of the newest outputs in the image.
    """

    begun_s: float
    journal_end: Future[int]
    captured_s: float = 0.0
    image: PartitionImage | None = None
    receipt: Receipt | None = None
    written: Future[ManifestRef] | None = None

    @property
    def committed(self) -> bool:
        """Whether everything in the image has been answered for good."""
        return self.receipt is None or self.receipt.committed


class Checkpoints:
    """Drives snapshots of live partitions.

    Args:
        config: interval, group and topic.
        writer: the non-blocking snapshot writer.
        table: where the rows are.
        journal_end: asks Kafka for the end of a journal partition; may block.
        clock: measures the interval.
        telemetry: snapshot metrics.
        tracer: told of each snapshot.
    """

    def __init__(
        self,
        config: WorkerConfig,
        writer: SnapshotWriter,
        table: StateTable,
        *,
        journal_end: Callable[[int], int],
        clock: Clock,
        telemetry: Telemetry,
        tracer: Tracer,
    ) -> None:
        self._config = config
        self._writer = writer
        self._table = table
        self._journal_end = journal_end
        self._clock = clock
        self._telemetry = telemetry
        self._tracer = tracer
        self._threads = IoThreads(2, "checkpoint")
        self._in_flight: dict[Partition, _InFlight] = {}
        telemetry.set(M.SNAPSHOT_INTERVAL_SECONDS, config.snapshot_interval_s)
        self._upkeep = Upkeep(writer, telemetry)

    def scope(self, partition: Partition) -> SnapshotScope:
        """Where a partition's snapshots live."""
        return SnapshotScope(self._config.group_id, self._config.topics.ticks, partition.number)

    def adopt(self, partition: Partition, restored: Restored | None) -> None:
        """Begin to follow a partition, whose state came from `restored` unless it began empty."""
        partition.snapshot_s = partition.saved_s = self._clock.monotonic_s()
        if restored is not None:
            self._writer.adopt(self.scope(partition), restored.ref, restored.manifest)

    def forget(self, partition: Partition) -> None:
        """Stop following; a write under way ends as an orphan that garbage collection removes."""
        self._in_flight.pop(partition, None)
        self._upkeep.forget(partition)
        self._writer.forget(self.scope(partition))

    def advance(self, partitions: Iterable[Partition], *, due_now: bool = False) -> None:
        """One look at every live partition: begin, capture or finish a snapshot. Never blocks.

        Args:
            partitions: the assigned partitions.
            due_now: begin one wherever the state has moved, whatever the interval.
        """
        for partition in partitions:
            if partition.phase is not Phase.LIVE:
                continue
            flight = self._in_flight.get(partition)
            if flight is not None:
                self._follow(partition, flight)
            elif self._is_saved(partition):
                partition.saved_s = self._clock.monotonic_s()
            elif due_now or self._is_due(partition):
                self._begin(partition)
            self._upkeep.look(partition)

    def drain(self, partitions: Iterable[Partition], timeout_s: float) -> None:
        """Finish what is under way, waiting at most this long."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        followed = list(partitions)
        while self._in_flight and self._clock.monotonic_s() < deadline_s:
            pending: list[Future[Any]] = [
                f.written or f.journal_end for f in self._in_flight.values()
            ]
            wait(pending, timeout=0.05)
            self.advance(followed)

    def is_stored(self, partition: Partition) -> bool:
        """Whether the last snapshot that was begun is stored, or nothing had to be."""
        return partition.saved_s >= partition.snapshot_s

    def committed(self, partition: Partition) -> None:
        """A partition's durable snapshot is what its committed offset names now."""
        self._upkeep.ended(partition, self.scope(partition))

    def close(self, timeout_s: float) -> bool:
        """Stop the I/O threads; False if one still hangs in a call to the store or to Kafka."""
        stored = self._writer.close(timeout_s)
        return self._threads.close() and stored

    def _is_saved(self, partition: Partition) -> bool:
        moved = partition.next_offset > partition.commit_offset
        return not moved and self._upkeep.is_sound(partition)

    def _is_due(self, partition: Partition) -> bool:
        since_s = self._clock.monotonic_s() - partition.snapshot_s
        return since_s >= self._config.snapshot_interval_s

    def _begin(self, partition: Partition) -> None:
        now_s = self._clock.monotonic_s()
        partition.snapshot_s = now_s
        asked = self._threads.submit(self._journal_end, partition.number)
        self._in_flight[partition] = _InFlight(now_s, asked)

    def _follow(self, partition: Partition, flight: _InFlight) -> None:
        try:
            if flight.image is None and flight.journal_end.done():
                flight.image = self._capture(partition, flight)
            if flight.written is None:
                if flight.image is not None and flight.committed:
                    self._store(partition, flight, flight.image)
            elif flight.written.done():
                del self._in_flight[partition]
                self._finish(partition, flight, flight.written.result())
        except TickFleetError as error:
            self._in_flight.pop(partition, None)
            self._telemetry.inc(M.SNAPSHOT_FAILURES, partition=str(partition.number))
            self._upkeep.ended(partition, self.scope(partition))
            _log.warning("snapshot_failed", partition=partition.number, reason=str(error))
            self._trace(partition, flight, problem=str(error))

    def _capture(self, partition: Partition, flight: _InFlight) -> PartitionImage:
        journal_position = flight.journal_end.result()
        rows = partition.row_array()
        last = partition.last_decision
        image = PartitionImage(
            offset=partition.next_offset,
            journal_position=max(journal_position, partition.journal_position),
            asset_ids=tuple(asset.decode() for asset in partition.assets),
            rows=self._table.copy(rows),
            last_timestamp_ns=self._table.last_timestamp_ns[rows],
            sequence=self._table.sequence[rows],
            dirty=self._table.dirty[rows],
            last_decision=None if last is None else (last.depth, last.kernel_mask),
            topic_id=partition.topic_id,
        )
        self._table.dirty[rows] = False
        flight.receipt = partition.receipt
        flight.captured_s = self._clock.monotonic_s()
        return image

    def _store(self, partition: Partition, flight: _InFlight, image: PartitionImage) -> None:
        fault_point("before_upload")
        fault_point_during("during_upload")
        try:
            flight.written = self._writer.submit(self.scope(partition), image)
        except TickFleetError:
            # The writer remembers the rows of what it has taken, and of nothing else.
            self._table.dirty[partition.row_array()[: len(image.dirty)]] |= image.dirty
            raise

    def _finish(self, partition: Partition, flight: _InFlight, ref: ManifestRef) -> None:
        fault_point("after_upload")
        self._upkeep.saved(partition)
        partition.durable = ref
        partition.commit_offset = ref.offset
        partition.saved_s = flight.begun_s
        took_s = self._clock.monotonic_s() - flight.begun_s
        self._telemetry.inc(M.SNAPSHOTS, partition=str(partition.number))
        self._telemetry.observe(M.SNAPSHOT_SECONDS, took_s)
        _log.info("snapshot_durable", partition=partition.number, offset=ref.offset, seconds=took_s)
        self._trace(partition, flight, offset=ref.offset)

    def _trace(
        self, partition: Partition, flight: _InFlight, *, offset: int = -1, problem: str = ""
    ) -> None:
        if not self._tracer.active:
            return
        now_s = self._clock.monotonic_s()
        captured_s = flight.captured_s or now_s
        stages = {"capture": captured_s - flight.begun_s, "store": now_s - captured_s}
        attributes = {
            "partition": partition.number,
            "offset": offset,
            "assets": len(partition.assets),
        }
        took_s = now_s - flight.begun_s
        self._tracer.record(Span("snapshot", took_s, stages, attributes, problem=problem))
