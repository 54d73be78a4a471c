"""Where downloads are kept, and the lock that lets only one process fill the cache."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cache_dir", "exclusive"]


def cache_dir() -> Path:
    """`TICKFLEET_CACHE_DIR`, else `tickfleet` under `XDG_CACHE_HOME` or `~/.cache`; created."""
    explicit = os.environ.get("TICKFLEET_CACHE_DIR")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(explicit) if explicit else Path(base) / "tickfleet"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an advisory lock on `path`; blocks while another process holds it.

    The kernel drops the lock with its holder, so a killed process never leaves it behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
