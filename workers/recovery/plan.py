"""From what recovery found to what the loop installs. Pure: every case is a table-driven test.

S is where stepping begins, C the last input offset answered, G where a group without a
snapshot began to answer. Invariant: no offset at or below C is ever answered again, and none
above it is skipped without an error or an explicit policy.
"""

from dataclasses import dataclass, replace

import structlog

from snapshots import Restored
from workers.batching.decisions import full_decision
from workers.config import ColdStart, MissingHistory, WorkerConfig
from workers.errors import HistoryLostError
from workers.journal.decision_log import DecisionLog
from workers.journal.foreign import ONE_FLEET_A_JOURNAL, another_fleets, first_foreign, whose
from workers.recovery.findings import Findings, answered_to, genesis_of, problem_of

__all__ = ["RecoveryPlan", "make_plan"]

_log = structlog.get_logger()


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
        journal_position: where the journal is to be read from, until a newer snapshot is durable.
        resumes: whether the group has an offset of it already.
        topic_id: which topic the state is of; None where the brokers do not tell.
    """

    source: str
    restored: Restored | None
    start_offset: int
    commit_offset: int
    emitted_to: int
    log: DecisionLog
    journal_position: int
    resumes: bool = True
    topic_id: str | None = None


def make_plan(config: WorkerConfig, found: Findings) -> RecoveryPlan:
    """Decide how a partition goes on.

    Raises:
        HistoryLostError: it cannot, and the policy says stop; or its past is of another
            configuration, or another fleet writes the journal.
    """
    _refuse_another_fleet(config, found)
    log = DecisionLog(found.journal.records)
    problem = problem_of(found, log)
    if problem:
        if config.missing_history is MissingHistory.STOP:
            raise HistoryLostError(
                problem,
                topic=config.topics.ticks,
                partition=found.partition,
                offset=found.committed_offset,
            )
        _log.warning("history_lost", partition=found.partition, reason=problem)
        return _cold(config, found, log)
    if found.restored is not None:
        return _from_snapshot(found, found.restored, log)
    return _from_genesis(config, found, log)


def _from_snapshot(found: Findings, restored: Restored, log: DecisionLog) -> RecoveryPlan:
    offset = restored.image.offset
    return RecoveryPlan(
        source="parent" if found.refused else "snapshot",
        restored=restored,
        start_offset=offset,
        commit_offset=offset,
        emitted_to=max(log.emitted_to if log.emitted_to is not None else -1, offset - 1),
        log=log,
        journal_position=restored.image.journal_position,
        resumes=True,
    )


def _from_genesis(config: WorkerConfig, found: Findings, log: DecisionLog) -> RecoveryPlan:
    _refuse_another_configuration(config, found)
    genesis = genesis_of(found, log)
    if genesis < 0:
        genesis = _first_begin(config, found)
    return _empty(config, found, genesis, log, "rebuild" if found.refused else "genesis")


def _first_begin(config: WorkerConfig, found: Findings) -> int:
    """Where a partition begins of which nothing was answered."""
    if config.cold_start is ColdStart.EARLIEST:
        return found.low
    if found.low < found.high:
        # A new group means it; of a partition added to an old one somebody should know.
        _log.warning(
            "begins_at_the_end",
            partition=found.partition,
            not_answered=f"{found.low} to {found.high - 1}",
        )
    return found.high


def _refuse_another_fleet(config: WorkerConfig, found: Findings) -> None:
    """Whatever the policy says: who shares a journal mostly shares predictions, too, and of records
    that do not tell whose they are it is not known.
    """
    foreign = another_fleets(config, found.journal.records)
    if foreign is not None:
        raise HistoryLostError(
            f"the journal is written by {whose(config, foreign)} too (its worker {foreign.worker} "
            f"answered this): {ONE_FLEET_A_JOURNAL}",
            topic=config.topics.ticks,
            partition=found.partition,
            offset=foreign.from_offset,
        )


def _refuse_another_configuration(config: WorkerConfig, found: Findings) -> None:
    foreign = first_foreign(config, found.journal.records)
    if foreign is not None:
        raise HistoryLostError(
            f"{foreign.record.worker} answered under {foreign.name} {foreign.theirs}, here it is "
            f"{foreign.ours}: put {foreign.key} back, or start a new group with a new journal "
            "topic",
            topic=config.topics.ticks,
            partition=found.partition,
            offset=foreign.record.from_offset,
        )


def _cold(config: WorkerConfig, found: Findings, log: DecisionLog) -> RecoveryPlan:
    """Give the state up, but never the knowledge of what was answered.

    Where that is lost, any tick there is now may have been answered: it begins at the next one. So
    it does where a log was cut: what is left of it was answered, what comes behind it never was.
    """
    answered = answered_to(found, log)
    if answered is None:
        begin = found.high
    elif answered < 0 and found.committed_offset < 0:
        begin = _first_begin(config, found)
    elif answered >= found.high:
        begin = found.high if found.same_topic else found.low
    else:
        begin = max(found.low, answered + 1)
    plan = _empty(config, found, begin, DecisionLog(), "cold")
    return replace(plan, journal_position=found.journal.end)


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
        journal_position=found.journal.position,
        resumes=found.committed_offset >= 0,
    )
