"""The verdict on a run: is there exactly one result for each accepted tick, in order? Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["AuditReport", "PartitionTrace", "audit"]


@dataclass(frozen=True, slots=True)
class PartitionTrace:
    """What one partition of the input held, and what a read_committed subscriber saw of it.

    Attributes:
        accepted: input offsets of the ticks that deserve a result, ascending.
        dead: input offsets of the records that deserve a dead letter instead.
        answered: source offsets of the results, in the order they became visible.
        buried: source offsets of the dead letters, in any order.
    """

    accepted: Sequence[int]
    dead: Sequence[int]
    answered: Sequence[int]
    buried: Sequence[int]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Counts over all partitions; all but the first two are zero when the promise holds.

    Attributes:
        ticks: accepted input ticks.
        results: visible results.
        missing: accepted ticks without a result, or rejected records without a dead letter.
        repeated: results or dead letters beyond the first for one input offset.
        unexpected: results or dead letters for offsets that do not deserve one.
        out_of_order: results whose source offset is below one seen before in the partition.
    """

    ticks: int = 0
    results: int = 0
    missing: int = 0
    repeated: int = 0
    unexpected: int = 0
    out_of_order: int = 0

    @property
    def holds(self) -> bool:
        """Whether exactly-once, in order, held."""
        return not (self.missing or self.repeated or self.unexpected or self.out_of_order)


def audit(traces: Mapping[int, PartitionTrace]) -> AuditReport:
    """Compare input and output of every partition."""
    missing = repeated = unexpected = out_of_order = 0
    for trace in traces.values():
        for wanted, seen in ((trace.accepted, trace.answered), (trace.dead, trace.buried)):
            counts = Counter(seen)
            missing += len(set(wanted) - counts.keys())
            unexpected += len(counts.keys() - set(wanted))
            repeated += sum(counts.values()) - len(counts)
        highest = -1
        for offset in trace.answered:
            out_of_order += offset < highest
            highest = max(highest, offset)
    return AuditReport(
        ticks=sum(len(t.accepted) for t in traces.values()),
        results=sum(len(t.answered) for t in traces.values()),
        missing=missing,
        repeated=repeated,
        unexpected=unexpected,
        out_of_order=out_of_order,
    )
