"""Where downloads are kept, and the lock that lets only one process fill the cache."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.local.errors import NoCacheError

__all__ = ["cache_dir", "exclusive"]


def cache_dir() -> Path:
    """`TICKFLEET_CACHE_DIR`, else `tickfleet` under `XDG_CACHE_HOME` or `~/.cache`; created.

    Raises:
        NoCacheError: neither is set, and this user has no home.
    """
    explicit = os.environ.get("TICKFLEET_CACHE_DIR")
    path = Path(explicit) if explicit else _base() / "tickfleet"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def _base() -> Path:
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared)
    try:
        return Path.home() / ".cache"
    except RuntimeError as error:
        raise NoCacheError(
            "this user has no home to keep downloads and executables in: set TICKFLEET_CACHE_DIR"
        ) from error


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an advisory lock on `path`; blocks while another process holds it.

    The kernel drops the lock with its holder, so a killed process never leaves it behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
