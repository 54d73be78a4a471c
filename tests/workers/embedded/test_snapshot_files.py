"""Files written beside the steps: which state a file holds in the end."""

import threading
import time
from pathlib import Path

import pytest

from snapshots.file_store import FileStore
from tests.workers.embedded.test_threads import forked
from workers.embedded import threads as threads_module
from workers.embedded.snapshot_files import SnapshotFiles

SEALED = b"." * 64


@pytest.mark.parametrize("now", [False, True])
def test_a_file_ends_with_what_it_was_given_last(
    now: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the first write takes longer, and threads are idle."""
    put = FileStore.put

    def slow(self: FileStore, key: str, data: bytes) -> None:
        if data.startswith(b"older"):
            time.sleep(0.3)
        put(self, key, data)

    monkeypatch.setattr(FileStore, "put", slow)
    files = SnapshotFiles(3)
    older = files.write(tmp_path / "latest", b"older" + SEALED)
    if now:
        files.write_now(tmp_path / "latest", b"newer" + SEALED)
    else:
        files.write(tmp_path / "latest", b"newer" + SEALED).result()
    older.result()
    files.close(10.0)
    assert (tmp_path / "latest").read_bytes().startswith(b"newer")


def _stuck_at_the_first(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A disk on which what begins with `first` is not written before the event."""
    put, disk_is_back = FileStore.put, threading.Event()

    def stuck(self: FileStore, key: str, data: bytes) -> None:
        if data.startswith(b"first"):
            disk_is_back.wait(30.0)
        put(self, key, data)

    monkeypatch.setattr(FileStore, "put", stuck)
    return disk_is_back


def test_a_write_that_a_fork_left_behind_keeps_no_later_one_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads_module, "_FORK_WAITS_S", 0.0)
    disk_is_back = _stuck_at_the_first(monkeypatch)
    files = SnapshotFiles(1)
    first = files.write(tmp_path / "latest", b"first" + SEALED)

    def in_the_child() -> None:
        files.write_now(tmp_path / "latest", b"second" + SEALED)
        files.write(tmp_path / "latest", b"third" + SEALED).result(5.0)

    assert forked(in_the_child) == 0
    assert (tmp_path / "latest").read_bytes().startswith(b"third")
    disk_is_back.set()
    first.result()
    files.close(10.0)


def test_a_write_that_was_given_up_keeps_no_later_one_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_is_back = _stuck_at_the_first(monkeypatch)
    files = SnapshotFiles(1)
    first, second = (
        files.write(tmp_path / "latest", one + SEALED) for one in (b"first", b"second")
    )
    files.close(0.1)
    assert second.cancelled()
    disk_is_back.set()
    first.result()
    later = threading.Thread(
        target=files.write_now, args=(tmp_path / "latest", b"third" + SEALED), daemon=True
    )
    later.start()
    later.join(10.0)
    assert (tmp_path / "latest").read_bytes().startswith(b"third")
