"""The metadata of a commit that names no snapshot: where the journal begins that belongs to it.

After a cold start the journal still holds what an earlier life, or an earlier topic, answered. Of
that nothing must be believed again: offsets may mean other ticks now. And once anything is answered
the journal holds a record of it: one without is not the journal that belongs to the commit.
"""

import re
from typing import Final

__all__ = ["journal_note", "noted_position", "tells_of_answers"]

_NOTE: Final = re.compile(r"journal=(\d{1,19})")


def journal_note(position: int, *, answered: bool) -> str:
    """Metadata that name a journal position.

    Empty for the journal's beginning while nothing has been answered, as older releases have it
    after that, too.
    """
    return f"journal={position}" if position or answered else ""


def noted_position(metadata: str) -> int | None:
    """The journal position that such metadata name; None for any other."""
    if not metadata:
        return 0
    found = _NOTE.fullmatch(metadata)
    return None if found is None else int(found[1])


def tells_of_answers(metadata: str) -> bool:
    """Whether such metadata say that the journal, read from its beginning, has a record.

    Of a later position they do not tell, and need not: a journal that is empty ends before it.
    """
    return metadata == journal_note(0, answered=True)
