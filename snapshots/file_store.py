"""Objects as files under one folder: the embedded default.

A file appears under its key only when its bytes and its name are on disk (write aside, fsync,
rename, fsync the folder), so a crash at any point leaves the old object, the new one, or none.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from snapshots.errors import (
    IntegrityError,
    ObjectNotFoundError,
    StoreAccessError,
    StoreError,
)
from snapshots.folder_mark import folder_mark
from snapshots.store import MAX_OBJECT_BYTES, ObjectEntry, check_key

__all__ = ["FileStore"]

# Keys have no segment that starts with a dot, so no key reaches this folder.
_ASIDE = ".tmp"
_ABANDONED_AFTER_S = 3600.0


class FileStore:
    """An `ObjectStore` in a folder. Safe for threads and processes.

    The folder is made if need be, and known again from then on. `existing`: it must be there, and
    nothing is made or written in it unless something is put: for whoever only looks.
    """

    def __init__(self, root: Path, *, existing: bool = False) -> None:
        """Raises `StoreAccessError` when the folder is not there, or cannot be made or written."""
        self._root = root.absolute()
        self._aside = self._root / _ASIDE
        try:
            self._known_by = self._find() if existing else self._prepare()
        except OSError as error:
            raise StoreAccessError(
                f"cannot use {self._root} for snapshots: {error}; check the path and its owner"
            ) from error

    def put(self, key: str, data: bytes) -> None:
        target = self._root / check_key(key)
        aside = self._aside / uuid.uuid4().hex
        with _translated("write", key):
            self._require_root()
            try:
                self._aside.mkdir(exist_ok=True)
                self._make_folders(target.parent)
                _write_durably(aside, data)
                aside.replace(target)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)

    def get(self, key: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        path = self._root / check_key(key)
        try:
            with _translated("read", key), path.open("rb") as file:
                # A buffer for all that is allowed would be 64 MiB for each small manifest.
                size = min(os.fstat(file.fileno()).st_size, max_bytes)
                data = file.read(size + 1)
        except ObjectNotFoundError:
            with _translated("read", key):
                self._require_root()
            raise
        if len(data) > max_bytes:
            raise IntegrityError(f"{key} is larger than the {max_bytes} bytes expected")
        return data

    def list(self, prefix: str) -> list[str]:
        return [entry.key for entry in self.entries(prefix)]

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        folder = prefix.rpartition("/")[0]
        start = self._root / check_key(folder) if folder else self._root
        with _translated("list", prefix):
            self._require_root()
            found = [entry for entry in self._walk(start) if entry.key.startswith(prefix)]
        return sorted(found, key=lambda entry: entry.key)

    def delete(self, key: str) -> None:
        with _translated("delete", key):
            (self._root / check_key(key)).unlink(missing_ok=True)

    def delete_all(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.delete(key)

    def _find(self) -> Path:
        if not self._root.is_dir():
            raise StoreAccessError(
                f"there is no folder {self._root}: check snapshot_url, and that its volume is "
                "mounted"
            )
        return self._root

    def _prepare(self) -> Path:
        self._aside.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(self._aside)
        return folder_mark(self._root)

    def _require_root(self) -> None:
        """A vanished folder is not an empty one: taking it for empty would start cold.

        Nor is the one in its place the store, whoever made it: what is put there would be missed
        as soon as the volume is back.
        """
        if not self._known_by.exists():
            raise StoreError(
                f"{self._root} has vanished, or another folder is in its place: is the volume "
                f"mounted? If it was replaced on purpose, make an empty file {self._known_by}"
            )

    def _walk(self, folder: Path) -> Iterator[ObjectEntry]:
        # Others delete and rename meanwhile: what is gone by now is simply not listed.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for path in folder.iterdir():
                if path.name.startswith("."):
                    continue
                if path.is_dir():
                    yield from self._walk(path)
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()
                    key = path.relative_to(self._root).as_posix()
                    yield ObjectEntry(key, status.st_size, status.st_mtime)

    def _make_folders(self, folder: Path) -> None:
        """Create missing folders and make their names durable, outermost first."""
        if folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(aside: Path) -> None:
    """Delete what writers that crashed left behind."""
    for path in aside.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                path.unlink()


@contextlib.contextmanager
def _translated(action: str, key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        if action == "read":
            raise ObjectNotFoundError(f"no object {key}") from error
        raise StoreError(f"cannot {action} {key}: {error}; is the folder mounted?") from error
    except PermissionError as error:
        raise StoreAccessError(f"may not {action} {key}: {error}; check the owner") from error
    except OSError as error:
        raise StoreError(
            f"cannot {action} {key}: {error}; check free space and health of the disk"
        ) from error
