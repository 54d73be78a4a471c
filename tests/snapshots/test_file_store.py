import errno
import os
import resource
import shutil
import time
import tracemalloc
from pathlib import Path

import pytest

from snapshots import ObjectStore, StoreAccessError, StoreError
from snapshots.file_store import FileStore
from tests.snapshots.store_contract import StoreContract


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return FileStore(tmp_path / "deep" / "root")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def _files(root: Path) -> list[str]:
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] != ".store")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_failed_write_is_retryable_and_leaves_the_old_object(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = FileStore(root)
    store.put("a/b", b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="a/b"):
        store.put("a/b", b"new")
    monkeypatch.undo()
    assert store.get("a/b") == b"old"
    assert _files(root) == ["a/b"]


def test_a_write_cut_short_by_the_system_leaves_nothing(root: Path) -> None:
    store = FileStore(root)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(StoreError):
            store.put("a/b", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert _files(root) == []
    store.put("a/b", bytes(100_000))
    assert store.get("a/b") == bytes(100_000)


def test_data_is_synced_before_the_name_and_the_name_before_the_end(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(root)
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(descriptor: int) -> None:
        events.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().parent.name}")
        fsync(descriptor)

    def spy_replace(self: Path, target: Path) -> Path:
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    store.put("a/b", b"x")
    # The folder "a" is made (its parent's listing synced), the file, then its folder "a".
    assert events == [f"sync {root.parent.name}", "sync .tmp", "rename", "sync root"]


def test_a_vanished_root_is_unreachable_not_empty(root: Path) -> None:
    store = FileStore(root)
    store.put("a/b", b"x")
    shutil.rmtree(root)
    for call in (lambda: store.get("a/b"), lambda: store.list("a/"), lambda: store.put("a", b"")):
        with pytest.raises(StoreError):
            call()


@pytest.mark.parametrize("made", [False, True])
def test_another_folder_in_its_place_is_not_taken_for_the_store(root: Path, *, made: bool) -> None:
    """A mount point without its volume, of which another process may have made a store."""
    store = FileStore(root)
    store.put("a/b", b"x")
    root.rename(root.with_name("unmounted"))
    root.mkdir()
    if made:
        FileStore(root).put("a/b", b"of another")
    before = sorted(root.rglob("*"))
    for call in (lambda: store.get("a/c"), lambda: store.list("a/"), lambda: store.put("a/b", b"")):
        with pytest.raises(StoreError, match="mounted"):
            call()
    assert sorted(root.rglob("*")) == before
    shutil.rmtree(root)
    root.with_name("unmounted").rename(root)
    store.put("a/c", b"y")
    assert FileStore(root).list("") == ["a/b", "a/c"]


def test_a_folder_replaced_on_purpose_is_taken_as_the_message_says(root: Path) -> None:
    store = FileStore(root)
    shutil.rmtree(root)
    with pytest.raises(StoreError) as refused:
        store.list("")
    mark = Path(str(refused.value).rpartition(" ")[2])
    mark.parent.mkdir(parents=True)
    mark.touch()
    store.put("a/b", b"x")
    assert FileStore(root).list("") == ["a/b"]


def test_looking_makes_nothing_and_needs_no_folder_of_ours(root: Path) -> None:
    with pytest.raises(StoreAccessError, match="there is no folder"):
        FileStore(root, existing=True)
    assert not root.exists()
    (root / "a").mkdir(parents=True)
    (root / "a" / "b").write_bytes(b"a copy by other means")
    store = FileStore(root, existing=True)
    assert (store.list(""), store.get("a/b")) == (["a/b"], b"a copy by other means")
    assert [path.name for path in root.iterdir()] == ["a"]
    store.put("a/c", b"x")
    assert store.list("") == ["a/b", "a/c"]


def test_a_small_object_takes_a_small_buffer(root: Path) -> None:
    store = FileStore(root)
    store.put("a/b", b"x")
    tracemalloc.start()
    assert store.get("a/b") == b"x"
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 20


def test_leftovers_of_a_crash_are_removed_when_old_and_never_listed(root: Path) -> None:
    FileStore(root)
    fresh, old = root / ".tmp" / "fresh", root / ".tmp" / "old"
    fresh.write_bytes(b"x")
    old.write_bytes(b"x")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    store = FileStore(root)
    assert fresh.exists()
    assert not old.exists()
    assert store.list("") == []


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreAccessError):
        FileStore(tmp_path / "file")


def test_permission_errors_are_fatal(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(root)

    def refuse(_self: Path, _target: Path) -> Path:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StoreAccessError):
        store.put("a/b", b"x")
