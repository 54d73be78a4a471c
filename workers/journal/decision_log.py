"""The journal as recovery sees it: which input offsets have been answered, under which decisions.

Pure data; reading the topic is `journal_reader`'s business.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from schemas import JournalRecord
from workers.batching.decisions import Decision, DecisionColumns
from workers.batching.verdicts import Verdict, Verdicts
from workers.errors import UnrepeatableError
from workers.journal.named import named_offsets

__all__ = ["DecisionLog", "UncoveredOffsetError"]


class UncoveredOffsetError(UnrepeatableError):
    """No journal record covers an offset that was answered before."""

    def __init__(self, partition: int, offset: int) -> None:
        super().__init__(
            f"no journal record covers input offset {offset}",
            "The journal is not the one that this group wrote, or the group's offset was set by "
            "hand: start a new group with a new journal topic",
            partition=partition,
            offset=offset,
        )


class DecisionLog:
    """Journal records of one partition, in the order of the journal.

    Where two records cover the same offset the earlier one counts: under exactly-once that
    cannot happen, under at-least-once one of them is a zombie's. What a later one alone covers
    counts as well: those ticks were answered.

    Args:
        records: the records, as read.
    """

    __slots__ = (
        *("_depth", "_from", "_judged", "_kernel_mask", "_named", "_processing_time_ns"),
        *("_rejected", "_to"),
    )

    def __init__(self, records: Iterable[JournalRecord] = ()) -> None:
        given = list(records)
        kept: list[JournalRecord] = []
        for record in given:
            covered_to = kept[-1].to_offset if kept else -1
            if record.from_offset > covered_to:
                kept.append(record)
            elif record.to_offset > covered_to:
                kept.append(record.since(covered_to + 1))
        self._from = _column(record.from_offset for record in kept)
        self._to = _column(record.to_offset for record in kept)
        self._processing_time_ns = _column(record.processing_time_ns for record in kept)
        self._depth = _column(record.depth for record in kept)
        self._kernel_mask = _column(record.kernel_mask for record in kept)
        self._judged = _column(record.rejected is not None for record in kept)
        self._rejected = _column(
            record.from_offset + one for record in kept for one in record.rejected or ()
        )
        self._named = named_offsets(given)

    @classmethod
    def warm_up(cls, from_offset: int, to_offset: int, decision: Decision) -> "DecisionLog":
        """A log that lets a cold start step a range silently, under one decision.

        It names none of the records: whatever there is of them warms up.
        """
        log = cls(
            [
                JournalRecord(
                    from_offset=from_offset,
                    to_offset=to_offset,
                    processing_time_ns=decision.processing_time_ns,
                    depth=decision.depth,
                    kernel_mask=decision.kernel_mask,
                    config_fingerprint="",
                    worker="",
                )
            ]
            if from_offset <= to_offset
            else ()
        )
        log._named = _column(())
        return log

    def then(self, later: "DecisionLog") -> "DecisionLog":
        """This log followed by a later one."""
        joined = DecisionLog()
        for name in DecisionLog.__slots__:
            setattr(joined, name, np.concatenate((getattr(self, name), getattr(later, name))))
        return joined

    def __len__(self) -> int:
        return int(self._from.size)

    @property
    def first_offset(self) -> int | None:
        """The first answered input offset, None for an empty journal."""
        return int(self._from[0]) if self._from.size else None

    @property
    def emitted_to(self) -> int | None:
        """C: the last answered input offset, None for an empty journal."""
        return int(self._to[-1]) if self._to.size else None

    @property
    def last(self) -> Decision | None:
        """The newest decision."""
        if not self._from.size:
            return None
        return Decision(
            int(self._processing_time_ns[-1]), int(self._depth[-1]), int(self._kernel_mask[-1])
        )

    def lookup(self, partition: int, offsets: Int64[ndarray, " ticks"]) -> DecisionColumns:
        """The decisions under which these input offsets of a partition were answered.

        Raises:
            UncoveredOffsetError: the journal does not reach back to one of them.
        """
        index, covered = self._covering(offsets)
        if not covered.all():
            raise UncoveredOffsetError(partition, int(offsets[~covered][0]))
        return DecisionColumns(
            self._processing_time_ns[index], self._depth[index], self._kernel_mask[index]
        )

    def verdicts(self, offsets: Int64[ndarray, " records"]) -> Verdicts:
        """Which of these records were answered as ticks; open where no record tells."""
        index, judged = self._covering(offsets)
        judged[judged] = self._judged[index[judged]] != 0
        before = np.searchsorted(self._rejected, offsets, side="left")
        rejected = np.searchsorted(self._rejected, offsets, side="right") > before
        verdicts = np.where(rejected, Verdict.REJECTED, Verdict.ACCEPTED)
        return np.where(judged, verdicts, Verdict.OPEN).astype(np.uint8)

    def names(self, offsets: Int64[ndarray, " some"]) -> Bool[ndarray, " some"]:
        """At which of these offsets there was a record, as far as the journal tells."""
        before = np.searchsorted(self._named, offsets, side="left")
        return np.searchsorted(self._named, offsets, side="right") > before

    def first_vanished(self, due: range, offsets: Int64[ndarray, " records"]) -> int | None:
        """The first offset within a range where there was a record that is not among these."""
        first, last = np.searchsorted(self._named, (due.start, due.stop))
        named = self._named[first:last]
        vanished = named[~np.isin(named, offsets)]
        return int(vanished[0]) if vanished.size else None

    def _covering(
        self, offsets: Int64[ndarray, " records"]
    ) -> tuple[Int64[ndarray, " records"], Bool[ndarray, " records"]]:
        """The journal record that may cover each offset, and whether it does."""
        index = np.searchsorted(self._from, offsets, side="right") - 1
        covered = index >= 0
        covered[covered] = offsets[covered] <= self._to[index[covered]]
        return index, covered


def _column(values: Iterable[int]) -> Int64[ndarray, " records"]:
    return np.fromiter(values, dtype=np.int64)
