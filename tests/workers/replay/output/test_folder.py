"""What a run leaves that did not come to its end."""

import errno
import os
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from snapshots import StoreError
from workers.replay import DifferentRunError, NoRoomError, ReplayError
from workers.replay.output.folder import RunFolder

_IDENTITY: dict[str, Any] = {"published": None}


class _Broken(Exception):  # noqa: N818
    """Something goes wrong."""


def fail(out: Path, identity: dict[str, Any], *, parts: int = 0, resume: bool = False) -> None:
    with pytest.raises(_Broken), RunFolder(out, identity, resume=resume) as folder:
        for number in range(parts):
            table = folder.path / "slices" / "0.partial" / "results"
            table.mkdir(parents=True)
            (table / f"part-{number:05d}.parquet").touch()
            folder.save_checkpoint({"processes": 2})
        raise _Broken


def test_nothing_is_left_where_nothing_was_done(tmp_path: Path) -> None:
    fail(tmp_path / "run", _IDENTITY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("identity", "parts"), [(_IDENTITY, 1), ({"published": {"run_id": "r"}}, 0)]
)
def test_what_was_done_or_shown_is_kept(
    tmp_path: Path, identity: dict[str, Any], parts: int
) -> None:
    fail(tmp_path / "run", identity, parts=parts)
    with pytest.raises(ReplayError, match="go on with --resume"):
        RunFolder(tmp_path / "run", identity, resume=False)
    with pytest.raises(DifferentRunError, match=r"other settings \(dtype\)"):
        RunFolder(tmp_path / "run", identity | {"dtype": "float32"}, resume=True)
    fail(tmp_path / "run", identity, resume=True)
    assert (tmp_path / "run.partial").is_dir()


def test_a_slice_with_a_state_to_go_on_from_is_kept(tmp_path: Path) -> None:
    with pytest.raises(_Broken), RunFolder(tmp_path / "0", _IDENTITY, resume=True) as folder:
        folder.save_checkpoint({"snapshots": {}})  # its parts lie elsewhere
        raise _Broken
    with RunFolder(tmp_path / "0", _IDENTITY, resume=True) as again:
        assert again.checkpoint == {"snapshots": {}}


@pytest.mark.parametrize(("parts", "remedy"), [(0, "run it again"), (1, "go on with --resume")])
def test_what_a_full_disk_left_can_be_gone_on_with(tmp_path: Path, parts: int, remedy: str) -> None:
    with (
        pytest.raises(NoRoomError, match=f"make some, then {remedy}$"),
        RunFolder(tmp_path / "run", _IDENTITY, resume=False) as folder,
    ):
        for number in range(parts):
            (folder.path / f"part-{number:05d}.parquet").touch()
        Path("/dev/full").write_bytes(b"x")
    assert (tmp_path / "run.partial").exists() == bool(parts)


@pytest.mark.parametrize("step", ["_locked", "_write_json"])
def test_what_finds_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"workers.replay.output.folder.{step}", full)
    with pytest.raises(NoRoomError, match=r"make some, then run it again$"):
        RunFolder(tmp_path / "run", _IDENTITY, resume=False)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_had_no_room_for_a_state_is_told(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(NoRoomError, match=r"make some, then go on with --resume$"),
        RunFolder(tmp_path / "run", _IDENTITY, resume=False) as folder,
    ):
        folder.save_checkpoint({"snapshots": {}})
        raise StoreError("cannot write a chunk") from full


def test_a_limit_of_the_size_of_files_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(NoRoomError, match=r"\(ulimit -f\): raise the limit, then run it again$"),
        RunFolder(tmp_path / "run", _IDENTITY, resume=False),
    ):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReplayError, match=r"cannot be made .*: choose another --out"):
        RunFolder(tmp_path / "file" / "run", _IDENTITY, resume=False)


@pytest.mark.parametrize("resume", [False, True])
def test_who_is_at_work_is_not_taken_for_one_that_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, resume: bool
) -> None:
    monkeypatch.setattr("workers.replay.output.folder._LOCK_WAIT_S", 0.2)
    with (
        RunFolder(tmp_path / "run", _IDENTITY, resume=False),
        pytest.raises(ReplayError, match=r"another process is at work in .*: wait for its end"),
    ):
        RunFolder(tmp_path / "run", _IDENTITY, resume=resume)


def test_who_waits_for_a_run_finds_it_whole(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", _IDENTITY, resume=False)

    def end() -> None:
        with folder:
            folder.finish({})

    Timer(0.3, end).start()
    with pytest.raises(ReplayError, match="is there already"):
        RunFolder(tmp_path / "run", _IDENTITY, resume=True)


def test_a_run_is_itself_until_it_is_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = {"published": {"run_id": "r"}}

    def struck(*_: object) -> None:
        raise _Broken

    with pytest.raises(_Broken), RunFolder(tmp_path / "run", identity, resume=False) as folder:
        monkeypatch.setattr(Path, "rename", struck)
        folder.finish({})
    monkeypatch.undo()
    with RunFolder(tmp_path / "run", identity, resume=True) as again:
        assert again.token == folder.token
        again.finish({})
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]
