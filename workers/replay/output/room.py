"""How a disk that takes no more is told, by whoever writes there."""

import errno
from pathlib import Path
from typing import Final

from workers.replay.errors import NoRoomError

__all__ = ["no_room"]

_DISK_FULL: Final = "there is no room left on the disk: make some"
_NO_ROOM: Final = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EFBIG: "a file would be larger than this process may write (ulimit -f): raise the limit",
}


def no_room(path: Path, error: BaseException | None, remedy: str) -> NoRoomError | None:
    """What to raise where it was for want of room that something could not be written.

    Args:
        path: the folder or file.
        error: what was met there, or what was raised for it.
        remedy: what to do when there is room.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return NoRoomError(f"{path}: {_NO_ROOM[error.errno]}, then {remedy}")
        error = error.__cause__
    return None
