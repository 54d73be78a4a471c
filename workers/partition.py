"""One assigned partition: its phase, its assets' rows, and where it stands in the input."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from snapshots import ManifestRef
from workers.batching.decisions import Decision
from workers.delivery.cold_commit import journal_note
from workers.delivery.receipt import Receipt
from workers.journal.decision_log import DecisionLog

__all__ = ["Partition", "Phase"]


class Phase(StrEnum):
    """Where a partition is between assignment and answering ticks."""

    RESTORING = "restoring"
    REPLAYING = "replaying"
    LIVE = "live"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Partition:
    """State of one assignment of one partition; a new assignment is a new object.

    Attributes:
        number: partition number of the ticks topic.
        assigned_s: monotonic time of the assignment (or of the start of a new recovery).
        phase: see `Phase`; input is paused while restoring and after failure.
        lost: why a replay cannot lead to its state, where one has tried; empty where none has.
        rows_of: asset id (UTF-8) → row of the state table.
        assets: asset ids in order of first appearance.
        rows: their rows, in the same order.
        next_offset: the next input offset to step; everything below is in the state.
        asked_again_at: the first offset of the last gap that was fetched again; -1 before any.
        replay_from: S, where the replay began.
        emitted_to: C, the last input offset answered before this assignment; -1 when none.
        log: the journal's decisions up to C, kept until the replay reaches it.
        last_decision: the newest decision taken or read.
        durable: the newest durable snapshot, None before the first.
        commit_offset: the offset to commit: the durable snapshot's, or where the group began.
        committed_offset: what the last successful commit named, -1 before the first.
        journal_position: where the journal of the commit offset is read from: at or before every
            record yet to be written.
        snapshot_s: monotonic time at which the last snapshot was begun, whatever became of it.
        saved_s: monotonic time at which everything stepped was last in a durable snapshot.
        snapshots_ended: how many snapshots of this assignment have been committed, or failed.
        installed_s: monotonic time at which its state was there and the replay began.
        receipt: of its newest outputs; None before this assignment's first.
        topic_id: which topic of its name the state is of; None where the brokers do not tell.
    """

    number: int
    assigned_s: float
    phase: Phase = Phase.RESTORING
    lost: str = ""
    rows_of: dict[bytes, int] = field(default_factory=dict)
    assets: list[bytes] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    next_offset: int = 0
    asked_again_at: int = -1
    replay_from: int = 0
    emitted_to: int = -1
    log: DecisionLog = field(default_factory=DecisionLog)
    last_decision: Decision | None = None
    durable: ManifestRef | None = None
    commit_offset: int = 0
    committed_offset: int = -1
    journal_position: int = 0
    snapshot_s: float = 0.0
    saved_s: float = 0.0
    snapshots_ended: int = 0
    installed_s: float = 0.0
    receipt: Receipt | None = None
    topic_id: str | None = None

    @property
    def active(self) -> bool:
        """Whether input is being stepped."""
        return self.phase in (Phase.REPLAYING, Phase.LIVE)

    @property
    def commit_metadata(self) -> str:
        """The manifest the committed offset belongs to; without one, where its journal begins.

        To be committed with all that was stepped, or after it.
        """
        if self.durable is not None:
            return self.durable.metadata
        answered = self.next_offset > self.commit_offset
        return journal_note(self.journal_position, answered=answered, topic_id=self.topic_id)

    @property
    def replayed_share(self) -> float:
        """How much of S..C has been stepped again, 0 to 1."""
        length = self.emitted_to + 1 - self.replay_from
        return 1.0 if length <= 0 else min((self.next_offset - self.replay_from) / length, 1.0)

    def row_array(self) -> Int64[ndarray, " assets"]:
        """Rows in order of the assets' first appearance."""
        return np.array(self.rows, dtype=np.int64)

    def adopt(self, assets: Iterable[bytes], rows: Int64[ndarray, " assets"]) -> None:
        """Register new assets with their rows."""
        numbers = rows.tolist()
        names = list(assets)
        self.assets.extend(names)
        self.rows.extend(numbers)
        self.rows_of.update(zip(names, numbers, strict=True))
