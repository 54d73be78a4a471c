"""Snapshots of one asset as files, written beside the steps (specification section 7)."""

from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from snapshots.envelope import TRAILER_BYTES
from snapshots.file_store import FileStore
from workers.embedded.threads import Threads

__all__ = ["SavedSnapshot", "SnapshotFiles", "write_snapshot"]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """A snapshot that is durable: its file, size in bytes (checksum included), and SHA-256."""

    filepath: Path
    filesize_bytes: int
    checksum: str


class SnapshotFiles:
    """Threads that write; how each write ended is logged, so that its future may be ignored.

    Args:
        threads: how many write at once.
    """

    def __init__(self, threads: int) -> None:
        self._threads = Threads(threads, "snapshot_io")
        self._last: dict[Path, Future[SavedSnapshot]] = {}

    @property
    def executor(self) -> Executor:
        """For other files that are written beside the steps."""
        return self._threads

    def write(self, filepath: Path, data: bytes) -> Future[SavedSnapshot]:
        """Begin to write sealed bytes; returns at once. A file ends with what it was given last."""
        path = filepath.absolute()
        future = self._threads.submit(_write_after, self._under_way(path), path, data)
        future.add_done_callback(_log_outcome)
        self._last[path] = future
        return future

    def write_now(self, filepath: Path, data: bytes) -> SavedSnapshot:
        """As `write`, and wait for it, in this thread."""
        path = filepath.absolute()
        return _write_after(self._under_way(path), path, data)

    def _under_way(self, path: Path) -> Future[SavedSnapshot] | None:
        """The newest write to a file. What was under way before a fork never ends in the child."""
        self._last = {at: last for at, last in self._last.items() if self._threads.holds(last)}
        return self._last.get(path)

    def close(self, timeout_s: float) -> None:
        """Wait for what is under way, at most so long, and end the threads."""
        unfinished = self._threads.finish(timeout_s)
        if unfinished:
            _log.warning("snapshots_abandoned", count=unfinished)
        self._threads.shutdown(wait=not unfinished, cancel_futures=bool(unfinished))


def _write_after(
    before: Future[SavedSnapshot] | None, filepath: Path, data: bytes
) -> SavedSnapshot:
    if before is not None:
        # Its outcome is its own caller's. `wait` would never hear of one that was cancelled.
        with suppress(CancelledError, Exception):
            before.result()
    return write_snapshot(filepath, data)


def write_snapshot(filepath: Path, data: bytes) -> SavedSnapshot:
    """Put sealed bytes into a file, atomically and durably; its folder is made if need be."""
    filepath = filepath.absolute()
    filepath.parent.mkdir(parents=True, exist_ok=True)
    FileStore(filepath.parent).put(filepath.name, data)
    return SavedSnapshot(filepath, len(data), data[-TRAILER_BYTES:].decode("ascii"))


def _log_outcome(future: Future[SavedSnapshot]) -> None:
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or error:
        _log.error("snapshot_failed", reason=str(error or "cancelled"))
    else:
        saved = future.result()
        _log.info("snapshot_saved", file=str(saved.filepath), bytes=saved.filesize_bytes)
