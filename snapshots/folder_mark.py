"""Tells a store's folder from another one in its place, as where its volume is not mounted.

Device and inode numbers cannot: they change where the same volume is mounted again, and those of
two small volumes are often the same. So a folder has a file of its own, of a name made up once.
"""

import uuid
from pathlib import Path

__all__ = ["folder_mark"]

# Keys have no segment that starts with a dot, so no key reaches this folder.
_MARKS = ".store"


def folder_mark(root: Path) -> Path:
    """The file by which `root`, which exists, is known; made by whoever is the first to ask.

    Two that ask at once may make one each: both stay, and each of them goes by its own.

    Raises:
        OSError: the folder cannot be written.
    """
    marks = root / _MARKS
    marks.mkdir(exist_ok=True)
    known = sorted(marks.iterdir())
    if known:
        return known[0]
    mark = marks / uuid.uuid4().hex
    mark.touch()
    return mark
