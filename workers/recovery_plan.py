"""From what recovery found to what the loop installs. Pure: every case is a table-driven test.

S is where stepping begins, C the last input offset answered, G where a group without a
snapshot began to answer. Invariant: no offset at or below C is ever answered again, and none
above it is skipped without an error or an explicit policy.
"""

from dataclasses import dataclass

from snapshots import Restored
from workers.config import ColdStart, Delivery, MissingHistory, WorkerConfig
from workers.decisions import full_decision
from workers.errors import HistoryLostError
from workers.journal import DecisionLog
from workers.journal_reader import JournalTail

__all__ = ["Findings", "RecoveryPlan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What Kafka and the store said of one partition.

    Attributes:
        partition: its number.
        committed_offset: the group's committed offset, negative when there is none.
        low: first retained input offset.
        high: end of the input.
        restored: the snapshot found, None when no commit names one or none is valid.
        refused: why snapshots were refused, empty when none was.
        journal: the journal from the snapshot's position, or from its beginning.
    """

    partition: int
    committed_offset: int
    low: int
    high: int
    restored: Restored | None
    refused: str
    journal: JournalTail


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """What the loop installs.

    Attributes:
        source: snapshot, parent, genesis, rebuild or cold: how the state was found.
        restored: the snapshot with the state at `start_offset`; None means no assets yet.
        start_offset: S.
        commit_offset: what to commit until a newer snapshot is durable.
        emitted_to: C; below `start_offset` when nothing is to be replayed.
        log: decisions for S..C.
        journal_position: the journal's end when it was read.
    """

    source: str
    restored: Restored | None
    start_offset: int
    commit_offset: int
    emitted_to: int
    log: DecisionLog
    journal_position: int


def make_plan(config: WorkerConfig, found: Findings) -> RecoveryPlan:
    """Decide how a partition goes on.

    Raises:
        HistoryLostError: it cannot, and the policy says stop.
    """
    log = DecisionLog(found.journal.records)
    problem = _unbound(config, found, log) or _problem(found, log)
    if problem:
        if config.missing_history is MissingHistory.STOP:
            raise HistoryLostError(
                problem,
                topic=config.topics.ticks,
                partition=found.partition,
                offset=found.committed_offset,
            )
        return _cold(config, found, log)
    if found.restored is not None:
        return _from_snapshot(found, found.restored, log)
    return _from_genesis(config, found, log)


def _unbound(config: WorkerConfig, found: Findings, log: DecisionLog) -> str:
    """Whether the journal tells of ticks that may not be this topic's.

    Exactly once, the first journal record is committed together with an offset: a journal without
    one has outlived it. Kafka drops offsets with their topic, or when a group was idle for long.
    """
    if config.delivery is Delivery.AT_LEAST_ONCE or found.committed_offset >= 0 or not len(log):
        return ""
    return (
        f"the journal says that offsets up to {log.emitted_to} were answered, but the group has no "
        "committed offset: the ticks topic was created anew, the journal is another group's, or "
        "the offset expired. Start a new group with a new journal topic, or commit the last "
        "snapshot's offset again with `tickfleet snapshot restore`"
    )


def _problem(found: Findings, log: DecisionLog) -> str:
    """Why the past cannot be continued; empty when it can."""
    answered = max(found.committed_offset - 1, log.emitted_to if log.emitted_to is not None else -1)
    if answered >= found.high:
        return (
            f"the input ends at {found.high}, but offsets up to {answered} were answered: the "
            "topic was recreated or truncated. Restore it, or start a new group with a new "
            "journal topic"
        )
    if found.journal.trimmed and (not len(log) or found.restored is None):
        return (
            "retention has removed journal records that recovery needs, so it is unknown which "
            "ticks were answered and how. Raise the journal's retention.ms above the longest "
            'outage; to go on with empty state, set missing_history = "cold_start"'
        )
    if found.restored is not None and found.restored.image.offset < found.low:
        return (
            f"retention has passed the snapshot: the input begins at {found.low}, recovery needs "
            f"it from {found.restored.image.offset}. Raise retention.ms of the ticks topic above "
            'the longest outage; to go on with a gap, set missing_history = "cold_start"'
        )
    if found.restored is None and 0 <= _genesis(found, log) < found.low:
        reason = (
            f"no snapshot can be used ({found.refused})" if found.refused else "no snapshot yet"
        )
        return (
            f"{reason}, and the input is retained only from {found.low}, so the state cannot be "
            "rebuilt from where the group began. Put the snapshots back, or set missing_history = "
            '"cold_start" to go on with empty state'
        )
    return ""


def _genesis(found: Findings, log: DecisionLog) -> int:
    """G as far as Kafka tells: the journal's first record, else a commit without a snapshot."""
    if log.first_offset is not None:
        return log.first_offset
    return -1 if found.refused else found.committed_offset


def _from_snapshot(found: Findings, restored: Restored, log: DecisionLog) -> RecoveryPlan:
    offset = restored.image.offset
    return RecoveryPlan(
        source="parent" if found.refused else "snapshot",
        restored=restored,
        start_offset=offset,
        commit_offset=offset,
        emitted_to=max(log.emitted_to if log.emitted_to is not None else -1, offset - 1),
        log=log,
        journal_position=found.journal.end,
    )


def _from_genesis(config: WorkerConfig, found: Findings, log: DecisionLog) -> RecoveryPlan:
    genesis = _genesis(found, log)
    if genesis < 0:
        genesis = found.low if config.cold_start is ColdStart.EARLIEST else found.high
    return _empty(config, found, genesis, log, "rebuild" if found.refused else "genesis")


def _cold(config: WorkerConfig, found: Findings, log: DecisionLog) -> RecoveryPlan:
    """Give the state up, but never the knowledge of what was answered."""
    answered = max(found.committed_offset - 1, log.emitted_to if log.emitted_to is not None else -1)
    begin = found.low if answered >= found.high else max(found.low, answered + 1)
    return _empty(config, found, begin, DecisionLog(), "cold")


def _empty(
    config: WorkerConfig, found: Findings, begin: int, log: DecisionLog, source: str
) -> RecoveryPlan:
    """Empty state that answers from `begin` on, warmed up by the ticks before it."""
    start = max(found.low, begin - config.cold_start_rewind)
    warm_up = DecisionLog.warm_up(start, begin - 1, full_decision(config.predictor))
    return RecoveryPlan(
        source=source,
        restored=None,
        start_offset=start,
        commit_offset=begin,
        emitted_to=max(log.emitted_to if log.emitted_to is not None else -1, begin - 1),
        log=warm_up.then(log),
        journal_position=found.journal.end,
    )
