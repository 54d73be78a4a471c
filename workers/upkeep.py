"""What becomes of snapshots once they are stored: old ones are removed, lost pieces noticed.

Chunks of assets without ticks are written once, and named by every later snapshot. What removes one
from the store would be found out at a recovery alone, when there may be nothing else to go on from;
so whoever lists the chunks to remove garbage looks for them, too.
"""

from concurrent.futures import Future
from typing import Final

import structlog

from snapshots import GarbageReport, SnapshotScope, SnapshotWriter
from workers.partition import Partition
from workers.telemetry.metrics import M, Telemetry

__all__ = ["Upkeep"]

_log = structlog.get_logger()
_SNAPSHOTS_PER_COLLECTION: Final = 10


class Upkeep:
    """Follows the collections of garbage of a worker's partitions. Never blocks.

    Args:
        writer: collects beside the loop, and writes everything anew where chunks are missing.
        telemetry: counts snapshots that lack chunks.
    """

    def __init__(self, writer: SnapshotWriter, telemetry: Telemetry) -> None:
        self._writer = writer
        self._telemetry = telemetry
        self._collections: dict[Partition, Future[GarbageReport]] = {}
        self._unsound: set[Partition] = set()
        self._in_company: set[Partition] = set()

    def ended(self, partition: Partition, scope: SnapshotScope) -> None:
        """A commit names the partition's durable snapshot, or one was not stored: now and then,
        collect garbage. It may be garbage that fills the store up.
        """
        if partition.durable is None:
            return
        partition.snapshots_ended += 1
        due = partition.snapshots_ended % _SNAPSHOTS_PER_COLLECTION == 0
        if due and partition not in self._collections:
            protected = {partition.durable.digest}
            self._collections[partition] = self._writer.collect_garbage(
                scope, protected, topic_id=partition.topic_id
            )

    def look(self, partition: Partition) -> None:
        """See whether a collection has ended, and what it found."""
        collected = self._collections.get(partition)
        if collected is None or not collected.done():
            return
        del self._collections[partition]
        error = collected.exception()
        if error is not None:
            _log.warning("garbage_collection_failed", reason=str(error))
        else:
            self._judge(partition, collected.result())

    def _judge(self, partition: Partition, report: GarbageReport) -> None:
        if missing := report.missing_chunks:
            self._unsound.add(partition)
            self._telemetry.inc(M.CORRUPT_SNAPSHOTS, partition=str(partition.number))
            _log.error("snapshot_chunks_missing", partition=partition.number, chunks=missing)
        if report.foreign and partition not in self._in_company:
            self._in_company.add(partition)
            _log.warning(
                "snapshots_of_another_topic",
                partition=partition.number,
                count=len(report.foreign),
                newest_offset=report.foreign[0].offset,
            )

    def is_sound(self, partition: Partition) -> bool:
        """Whether nothing of its durable snapshot is known to be lost."""
        return partition not in self._unsound

    def saved(self, partition: Partition) -> None:
        """It has a new durable snapshot."""
        self._unsound.discard(partition)

    def forget(self, partition: Partition) -> None:
        """Stop following it."""
        self._collections.pop(partition, None)
        self._unsound.discard(partition)
        self._in_company.discard(partition)
