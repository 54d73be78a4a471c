"""Which records of a micro-batch are to be answered, and under which decision each is stepped.

Records up to a partition's C were answered before: they are stepped silently, under the journal's
decisions. Those above it are live.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from schemas import EVENT_TIME
from workers.batching.decisions import Decision, DecisionColumns, spread
from workers.batching.records import RecordBatch, present
from workers.batching.verdicts import Verdicts, undecided
from workers.partition import Partition

__all__ = ["JournalSpan", "decisions_of", "journal_spans", "live_records", "verdicts_of"]


@dataclass(frozen=True, slots=True)
class JournalSpan:
    """The live records of one partition in a micro-batch: what its journal record says."""

    partition: Partition
    from_offset: int
    to_offset: int
    decision: Decision
    previous: Decision | None


def live_records(
    records: RecordBatch, partitions: Mapping[int, Partition]
) -> Bool[ndarray, " records"]:
    """Which records lie above their partition's C."""
    live = np.zeros(len(records), dtype=bool)
    for number in records.partitions():
        above = records.offset > partitions[number].emitted_to
        live |= (records.partition == number) & above
    return live


def journal_spans(
    records: RecordBatch,
    live: Bool[ndarray, " records"],
    partitions: Mapping[int, Partition],
    decide: Callable[[], Decision],
) -> list[JournalSpan]:
    """One span per partition with live records.

    Args:
        records: the micro-batch.
        live: which of them are to be answered.
        partitions: the active partitions, by number.
        decide: called once if any record is live.
    """
    if not live.any():
        return []
    decision = decide()
    spans = []
    for number in present(records.partition[live]):
        offsets = records.offset[live & (records.partition == number)]
        owner = partitions[number]
        spans.append(
            JournalSpan(owner, int(offsets[0]), int(offsets[-1]), decision, owner.last_decision)
        )
    return spans


def decisions_of(
    records: RecordBatch,
    live: Bool[ndarray, " records"],
    partitions: Mapping[int, Partition],
    spans: Sequence[JournalSpan],
) -> DecisionColumns:
    """Today's decision for live records, the journaled one for records answered before.

    Raises:
        UncoveredOffsetError: a record to replay has no journaled decision.
    """
    columns = spread(spans[0].decision if spans else Decision(EVENT_TIME, 0, 0), len(records))
    for number in present(records.partition[~live]):
        where = ~live & (records.partition == number)
        journaled = partitions[number].log.lookup(number, records.offset[where])
        columns.processing_time_ns[where] = journaled.processing_time_ns
        columns.depth[where] = journaled.depth
        columns.kernel_mask[where] = journaled.kernel_mask
    return columns


def verdicts_of(
    records: RecordBatch,
    live: Bool[ndarray, " records"],
    partitions: Mapping[int, Partition],
) -> Verdicts:
    """Open for live records, the journal's word for records answered before."""
    verdicts = undecided(records)
    for number in present(records.partition[~live]):
        where = ~live & (records.partition == number)
        verdicts[where] = partitions[number].log.verdicts(records.offset[where])
    return verdicts
