"""Whether the journal still holds all that recovery reads of it. Pure."""

from typing import Final

from workers.journal.reader import JournalTail

__all__ = ["journal_gap"]

_NEW_GROUP: Final = (
    "start a new group with a new journal topic, which may take the state along "
    "(docs/upgrades.md, the journal is lost); to go on with empty state, set missing_history = "
    '"cold_start"'
)


def journal_gap(tail: JournalTail, *, start: int | None, high: int) -> str:
    """Why it is unknown what was answered, and what to do; empty when the journal tells it.

    Args:
        tail: read from where the snapshot, or the commit, has the journal.
        start: the snapshot's offset; None without a snapshot.
        high: end of the input; only markers of transactions do not count.
    """
    if tail.cut_off:
        return (
            f"the journal ends at {tail.end}, before {tail.position}, where the snapshot or commit "
            "to go on from has it: topics.journal names another topic, or it was created anew or "
            "truncated, so it is unknown which ticks were answered. Put the journal back, or "
            f"{_NEW_GROUP}"
        )
    if tail.trimmed and not _tells_enough(tail, start, high):
        return (
            "retention has removed journal records that recovery needs, so it is unknown which "
            "ticks were answered and how. Raise the journal's retention.ms above the longest "
            f"outage, and {_NEW_GROUP}"
        )
    return ""


def _tells_enough(tail: JournalTail, start: int | None, high: int) -> bool:
    """Whether what retention has left of the journal still tells of everything from S on."""
    if start is None:
        return False
    if not tail.records:
        # Nothing behind the snapshot: nothing can have been answered there.
        return high <= start
    return tail.records[0].from_offset <= start
