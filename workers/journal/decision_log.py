"""The journal as recovery sees it: which input offsets have been answered, under which decisions.

Pure data; reading the topic is `journal_reader`'s business.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from schemas import JournalRecord
from workers.batching.decisions import Decision, DecisionColumns

__all__ = ["DecisionLog", "UncoveredOffsetError"]


class UncoveredOffsetError(LookupError):
    """No journal record covers an offset that was answered before.

    Attributes:
        partition: its partition.
        offset: the first such input offset.
    """

    def __init__(self, partition: int, offset: int) -> None:
        super().__init__(f"no journal record covers input offset {offset}")
        self.partition = partition
        self.offset = offset


class DecisionLog:
    """Journal records of one partition, in the order of the journal.

    Where two records cover the same offset the earlier one counts: under exactly-once that
    cannot happen, under at-least-once one of them is a zombie's. What a later one alone covers
    counts as well: those ticks were answered.

    Args:
        records: the records, as read.
    """

    __slots__ = ("_depth", "_from", "_kernel_mask", "_processing_time_ns", "_to")

    def __init__(self, records: Iterable[JournalRecord] = ()) -> None:
        kept: list[JournalRecord] = []
        for record in records:
            covered_to = kept[-1].to_offset if kept else -1
            if record.from_offset > covered_to:
                kept.append(record)
            elif record.to_offset > covered_to:
                kept.append(replace(record, from_offset=covered_to + 1))
        self._from = _column(record.from_offset for record in kept)
        self._to = _column(record.to_offset for record in kept)
        self._processing_time_ns = _column(record.processing_time_ns for record in kept)
        self._depth = _column(record.depth for record in kept)
        self._kernel_mask = _column(record.kernel_mask for record in kept)

    @classmethod
    def warm_up(cls, from_offset: int, to_offset: int, decision: Decision) -> "DecisionLog":
        """A log that lets a cold start step a range silently, under one decision."""
        return cls(
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
        index = np.searchsorted(self._from, offsets, side="right") - 1
        covered = index >= 0
        covered[covered] = offsets[covered] <= self._to[index[covered]]
        if not covered.all():
            raise UncoveredOffsetError(partition, int(offsets[~covered][0]))
        return DecisionColumns(
            self._processing_time_ns[index], self._depth[index], self._kernel_mask[index]
        )


def _column(values: Iterable[int]) -> Int64[ndarray, " records"]:
    return np.fromiter(values, dtype=np.int64)
