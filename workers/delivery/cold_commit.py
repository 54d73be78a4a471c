"""The metadata of a commit that names no snapshot: where the journal begins that belongs to it.

After a cold start the journal still holds what an earlier life, or an earlier topic, answered. Of
that nothing must be believed again: offsets may mean other ticks now. And once anything is answered
the journal holds a record of it: one without is not the journal that belongs to the commit.
"""

import re
from typing import Final

__all__ = ["journal_note", "noted_position", "noted_topic", "tells_of_answers"]

_NOTE: Final = re.compile(r"journal=(\d{1,19})( topic=([A-Za-z0-9_-]{1,64}))?")


def journal_note(position: int, *, answered: bool, topic_id: str | None = None) -> str:
    """Metadata that name a journal position, and at its beginning the topic that was answered.

    Empty for the journal's beginning while nothing has been answered, as older releases have it
    after that, too. They know no topic in it, and read all of the journal where there is one: at
    its beginning that is the same.
    """
    if not position and not answered:
        return ""
    note = f"journal={position}"
    return note if position or topic_id is None else f"{note} topic={topic_id}"


def noted_position(metadata: str) -> int | None:
    """The journal position that such metadata name; None for any other."""
    if not metadata:
        return 0
    found = _NOTE.fullmatch(metadata)
    return None if found is None else int(found[1])


def noted_topic(metadata: str) -> str | None:
    """The id of the topic that was answered, where such metadata tell it."""
    found = _NOTE.fullmatch(metadata)
    return None if found is None else found[3]


def tells_of_answers(metadata: str) -> bool:
    """Whether such metadata say that the journal, read from its beginning, has a record.

    Of a later position they do not tell, and need not: a journal that is empty ends before it.
    """
    return bool(metadata) and noted_position(metadata) == 0
