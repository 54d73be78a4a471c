"""Under which decisions a replay steps its ticks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from core import PredictorConfig
from schemas import EVENT_TIME
from workers.batching.decisions import Decision, DecisionColumns, full_decision, spread
from workers.batching.records import RecordBatch
from workers.batching.verdicts import Verdicts, undecided
from workers.journal.decision_log import DecisionLog, UncoveredOffsetError
from workers.replay.chunk import TickChunk
from workers.replay.errors import ReplayError

__all__ = ["Deciding", "EventTime", "Recorded"]


class Deciding(Protocol):
    """Gives every record its decision."""

    @property
    def name(self) -> str:
        """For people and for `run.json`."""

    def of(self, chunk: TickChunk) -> tuple[DecisionColumns, Bool[ndarray, " n"]]:
        """A decision for each record, and which records' results are wanted.

        Raises:
            ReplayError: a record has no decision.
        """


class EventTime:
    """Every tick at its own time, nothing shed: what a worker does with `clock = event`."""

    name = "event_time"

    def __init__(self, config: PredictorConfig) -> None:
        self._decision = full_decision(config)

    def of(self, chunk: TickChunk) -> tuple[DecisionColumns, Bool[ndarray, " n"]]:
        """The same for all."""
        return spread(self._decision, len(chunk)), np.ones(len(chunk), dtype=bool)


@dataclass(frozen=True)
class Recorded:
    """The decisions that live took, from the journal.

    Attributes:
        logs: each partition's decisions, warm-up included.
        answered_from: each partition's first offset that live answered; before it the state
            is only warmed up.
    """

    logs: Mapping[int, DecisionLog]
    answered_from: Mapping[int, int]
    name: str = "as_recorded"

    def of(self, chunk: TickChunk) -> tuple[DecisionColumns, Bool[ndarray, " n"]]:
        """Looked up by offset."""
        columns = spread(Decision(EVENT_TIME, 0, 0), len(chunk))
        wanted = np.zeros(len(chunk), dtype=bool)
        for number in np.unique(chunk.partition).tolist():
            here = chunk.partition == number
            found = self._lookup(number, chunk.offset[here])
            columns.processing_time_ns[here] = found.processing_time_ns
            columns.depth[here] = found.depth
            columns.kernel_mask[here] = found.kernel_mask
            wanted |= here & (chunk.offset >= self.answered_from[number])
        return columns, wanted

    def verdicts(self, records: RecordBatch) -> Verdicts:
        """Which records live answered as ticks, as far as the journal tells."""
        verdicts = undecided(records)
        for number in records.partitions():
            here = records.partition == number
            verdicts[here] = self.logs[number].verdicts(records.offset[here])
        return verdicts

    def _lookup(self, number: int, offsets: Int64[ndarray, " n"]) -> DecisionColumns:
        try:
            return self.logs[number].lookup(number, offsets)
        except UncoveredOffsetError as error:
            raise ReplayError(
                f"partition {number}: {error}: live skipped it (a cold start, an offset that was "
                "set by hand), so its state from there on is not known. Begin behind it, with "
                "--from-snapshot"
            ) from error
