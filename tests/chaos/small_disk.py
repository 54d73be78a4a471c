"""A disk of a few MiB, which a test can fill: ENOSPC as the kernel gives it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["NoDiskError", "SmallDisk", "small_disk"]

_LEFT_BYTES: Final = 64 * 1024


class NoDiskError(Exception):
    """This machine lets nobody mount a disk."""


class SmallDisk:
    """A mounted disk and the ballast on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave room for less than a chunk, so that writing one fails half way."""
        with suppress(OSError):  # others write meanwhile: there is less room than there was
            self._ballast.write_bytes(bytes(shutil.disk_usage(self.folder).free))
        os.truncate(self._ballast, max(self._ballast.stat().st_size - _LEFT_BYTES, 0))

    def make_room(self) -> None:
        """Give the room back."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[SmallDisk]:
    """Mounted on the folder meanwhile.

    Raises:
        NoDiskError: it needs root and a kernel that allows it.
    """
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoDiskError(f"cannot mount a small disk: {error}") from error
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)
