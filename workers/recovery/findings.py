"""What recovery found of one partition, and why that may not be enough to go on. Pure.

S is where stepping begins, C the last input offset answered.
"""

from dataclasses import dataclass
from typing import Final

from snapshots import ManifestRef, Restored
from workers.journal.decision_log import DecisionLog
from workers.journal.reader import JournalTail
from workers.recovery.journal_gap import journal_gap

__all__ = ["ANOTHER_TOPIC", "Findings", "answered_to", "genesis_of", "problem_of"]

ANOTHER_TOPIC: Final = (
    "the ticks topic was created anew, or is another cluster's, so its offsets mean other ticks. "
    "Start a new group with a new journal topic, which may take the state along "
    "(docs/upgrades.md, another ticks topic); to go on with empty state, set missing_history = "
    '"cold_start"'
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What Kafka and the store said of one partition.

    Attributes:
        partition: its number.
        committed_offset: the group's committed offset, negative when there is none.
        low: first retained input offset.
        high: end of the input; what is not read behind it are markers of transactions.
        restored: the snapshot found, None when no commit names one or none is valid.
        refused: why snapshots were refused, empty when none was.
        journal: the journal from the snapshot's position, or from its beginning.
        journal_begun: whether the commit says that there is a record in it.
        lost: why a replay cannot lead to the state, where one has tried; empty where none has.
        other_topic: why the committed snapshot is of another topic than there is now, or empty.
        same_topic: whether what was answered is known to be of the topic there is now.
        unnamed: the newest snapshot, where there is neither a commit that could name it nor a
            record in the journal; None where there is no such snapshot.
    """

    partition: int
    committed_offset: int
    low: int
    high: int
    restored: Restored | None
    refused: str
    journal: JournalTail
    journal_begun: bool = False
    lost: str = ""
    other_topic: str = ""
    same_topic: bool = False
    unnamed: ManifestRef | None = None


def answered_to(found: Findings, log: DecisionLog) -> int | None:
    """C as far as anything tells, -1 for nothing; None where the journal that told it is gone."""
    if log.emitted_to is None and (found.journal.trimmed or found.journal.cut_off):
        return None
    if _falls_short(found, log) or _is_another(found, log):
        return None
    return _at_least_answered_to(found, log)


def genesis_of(found: Findings, log: DecisionLog) -> int:
    """G as far as Kafka tells: the journal's first record, or a commit without a snapshot.

    Where that one is of an earlier offset, the journal has lost its beginning if ticks lie between
    them: a replay from there does not find their decisions, and stops.
    """
    if found.refused:
        return -1 if log.first_offset is None else log.first_offset
    if log.first_offset is None:
        return found.committed_offset
    return min(log.first_offset, found.committed_offset)


def problem_of(found: Findings, log: DecisionLog) -> str:
    """Why the past cannot be continued, and what to do; empty when it can."""
    if found.other_topic:
        return f"{found.other_topic}: {ANOTHER_TOPIC}"
    return (
        _unbound(found, log)
        or _unnamed(found)
        or _journal_problem(found, log)
        or _input_problem(found, log)
        or found.lost
    )


def _at_least_answered_to(found: Findings, log: DecisionLog) -> int:
    return max(found.committed_offset - 1, log.emitted_to if log.emitted_to is not None else -1)


def _unbound(found: Findings, log: DecisionLog) -> str:
    """Whether the journal tells of ticks that may not be this topic's.

    The first journal record is committed together with an offset, at least once after one: a
    journal without one has outlived it. Kafka drops offsets with their topic, or when a group was
    idle for long.
    """
    if found.committed_offset >= 0 or not len(log):
        return ""
    return (
        f"the journal says that offsets up to {log.emitted_to} were answered, but the group has no "
        "committed offset: the ticks topic was created anew, the journal is another group's, or "
        "the offset expired. Start a new group with a new journal topic, or commit the last "
        "snapshot's offset again with `tickfleet snapshot restore`"
    )


def _unnamed(found: Findings) -> str:
    """Whether only the store still tells that the group has answered ticks.

    A snapshot is written after its results were committed, and they with an offset and a record.
    """
    if found.unnamed is None:
        return ""
    return (
        f"the store has a snapshot of the group at offset {found.unnamed.offset}, but the group "
        "has no committed offset, and the journal no record: both have expired or were deleted, or "
        "a copy for this group was not taken up. Go on from it with `tickfleet snapshot restore "
        f"--partition {found.partition} {found.unnamed.short_digest}`; "
        'to go on with empty state, set missing_history = "cold_start"'
    )


def _journal_problem(found: Findings, log: DecisionLog) -> str:
    start = None if found.restored is None else found.restored.image.offset
    if gap := journal_gap(found.journal, start=start, high=found.high):
        return gap
    if _is_another(found, log):
        return (
            "the group has answered ticks, and the journal tells of none: topics.journal names "
            "another topic, or it was created anew, so it is unknown which ticks were answered. "
            "Put the journal back, or start a new group with a new journal topic; to go on with "
            'empty state at the end of the input, set missing_history = "cold_start"'
        )
    if _falls_short(found, log):
        return (
            f"the committed snapshot cannot be used ({found.refused}), and the journal does not "
            f"reach up to its offset {found.committed_offset}: it was created anew or emptied, so "
            "it is unknown which ticks were answered. Put the snapshot back, or start a new group "
            "with a new journal topic; to go on with empty state at the end of the input, set "
            'missing_history = "cold_start"'
        )
    return ""


def _input_problem(found: Findings, log: DecisionLog) -> str:
    answered = _at_least_answered_to(found, log)
    if answered >= found.high:
        return (
            f"the input ends at {found.high}, but offsets up to {answered} were answered: the "
            "topic was recreated or truncated. Restore it, or start a new group with a new "
            "journal topic"
        )
    if found.restored is not None and found.restored.image.offset < found.low:
        return (
            f"retention has passed the snapshot: the input begins at {found.low}, recovery needs "
            f"it from {found.restored.image.offset}. Raise retention.ms of the ticks topic above "
            'the longest outage; to go on with a gap, set missing_history = "cold_start"'
        )
    if found.restored is None and 0 <= genesis_of(found, log) < found.low:
        reason = (
            f"no snapshot can be used ({found.refused})" if found.refused else "no snapshot yet"
        )
        return (
            f"{reason}, and the input is retained only from {found.low}, so the state cannot be "
            "rebuilt from where the group began. Put the snapshots back, or set missing_history = "
            '"cold_start" to go on with empty state'
        )
    return ""


def _is_another(found: Findings, log: DecisionLog) -> bool:
    """Whether it is not the journal that the commit speaks of."""
    return found.journal_begun and not len(log)


def _falls_short(found: Findings, log: DecisionLog) -> bool:
    """Whether the journal lacks ticks that the snapshot named by the commit had seen."""
    if not found.refused:
        return False
    reached = max(
        found.restored.image.offset - 1 if found.restored is not None else -1,
        log.emitted_to if log.emitted_to is not None else -1,
    )
    return reached < found.committed_offset - 1
