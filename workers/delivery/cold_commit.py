"""The metadata of a commit that names no snapshot: where the journal begins that belongs to it.

After a cold start the journal still holds what an earlier life, or an earlier topic, answered. Of
that nothing must be believed again: offsets may mean other ticks now.
"""

import re
from typing import Final

__all__ = ["journal_note", "noted_position"]

_NOTE: Final = re.compile(r"journal=(\d{1,19})")


def journal_note(position: int) -> str:
    """Metadata that name a journal position; empty for the journal's beginning."""
    return f"journal={position}" if position else ""


def noted_position(metadata: str) -> int | None:
    """The journal position that such metadata name; None for any other."""
    if not metadata:
        return 0
    found = _NOTE.fullmatch(metadata)
    return None if found is None else int(found[1])
