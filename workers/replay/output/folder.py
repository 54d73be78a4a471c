"""Where a run's files are while it works, and how they become a finished run in one step.

A run works in `OUT.partial`; only the last step renames it to `OUT`. So whatever is named `OUT`
is complete, and what a killed run leaves behind says by its name that it is not. A run that fails
before anything is done that could be continued leaves nothing.
"""

import fcntl
import json
import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from workers.replay.errors import DifferentRunError, ReplayError, TakenRunIdError
from workers.replay.files.names import check_name
from workers.replay.output.room import no_room

__all__ = ["RunFolder", "begun", "differing_names", "finished", "read_run"]

_RUN = "run.json"
_CHECKPOINT = "checkpoint.json"
_LOCK = "lock"
_LOCK_WAIT_S = 10.0


class RunFolder:
    """The folder of one run; a context, in which no other process works in it.

    Args:
        out: where the finished run is to be.
        identity: what the run does; a partial one is continued only by the same.
        resume: whether a partial one may be there.

    Attributes:
        token: tells the run from all others, of the same settings too; kept when it goes on.

    Raises:
        ReplayError: a run is there already, or a partial one and `resume` was not asked for, or
            another process is at work on it.
        DifferentRunError: the partial one does something else.
        NoRoomError: the disk takes nothing.
    """

    def __init__(self, out: Path, identity: dict[str, Any], *, resume: bool) -> None:
        self._out = out = out.absolute()
        self._identity = identity
        self.path = _partial(out)
        self.checkpoint: dict[str, Any] | None = None
        self.token = uuid.uuid4().hex
        self._check_free()
        left = self.path.exists() and not resume
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # Whoever is at work there is found by the lock alone: what it has made so far looks as
            # if it was left.
            self._lock = _locked(self.path / _LOCK, wait_s=0.0 if left else _LOCK_WAIT_S)
        except OSError as error:
            with suppress(OSError):
                self.path.rmdir()  # unless there is something in it
            raise no_room(self.path, error, "run it again") or ReplayError(
                f"{self.path} cannot be made ({error.strerror}): choose another --out"
            ) from error
        try:
            self._check_free(left=left)
            self.checkpoint = self._read_checkpoint()
        except ReplayError:
            self._lock.close()
            raise
        except OSError as error:
            self._leave(error, kept=(self.path / _CHECKPOINT).exists())
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        self._leave(error, kept=error is None or self._worth_keeping(error))

    def _leave(self, error: BaseException | None, *, kept: bool) -> None:
        if not kept:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        remedy = "go on with --resume" if kept else "run it again"
        if told := no_room(self.path, error, remedy):
            raise told from error

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Remember where the run stands; what it names must be durable."""
        self.checkpoint = state
        whose = {"identity": self._identity, "token": self.token}
        _write_json(self.path / _CHECKPOINT, {**whose, **state})

    @property
    def finished(self) -> dict[str, Any] | None:
        """What was written by `write_run`, where only the last step was missing."""
        path = self.path / _RUN
        return json.loads(path.read_text("utf-8")) if path.is_file() else None

    def write_run(self, run: dict[str, Any]) -> None:
        """Write `run.json`: all that belongs to the run is there."""
        _write_json(self.path / _RUN, run)

    def finish(self, run: dict[str, Any]) -> None:
        """Write `run.json` and make the run visible."""
        self.write_run(run)
        try:
            self.path.rename(self._out)
        except OSError as error:
            raise ReplayError(
                f"{self._out} appeared meanwhile ({error}); the run is whole in {self.path}: "
                "rename it yourself"
            ) from error
        # Until then the checkpoint tells who the run is.
        for name in (_CHECKPOINT, _LOCK):
            (self._out / name).unlink(missing_ok=True)

    def _check_free(self, *, left: bool = False) -> None:
        if self._out.exists():
            raise ReplayError(f"{self._out} is there already: choose another --out, or remove it")
        if left:
            raise ReplayError(
                f"{self.path} is left of a run that was interrupted: go on with --resume, or "
                "remove it"
            )

    def _worth_keeping(self, error: BaseException) -> bool:
        """Whether there is a state to go on from, a slice has finished parts, or somebody was
        shown results.
        """
        published = self._identity.get("published") is not None
        published &= not isinstance(error, TakenRunIdError)
        finished = (path for path in self.path.rglob("part-*") if path.suffix != ".unfinished")
        return published or "snapshots" in (self.checkpoint or {}) or any(finished)

    def _read_checkpoint(self) -> dict[str, Any] | None:
        """Where the partial run stands, None before its first checkpoint; who it is, always."""
        path = self.path / _CHECKPOINT
        if not path.is_file():
            self.save_checkpoint({})
            return None
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        self.token = found.pop("token", "")
        before, now = found.pop("identity"), json.loads(json.dumps(self._identity))
        differing = differing_names(before, now)
        # Where nothing was done nothing is mixed: it becomes a run of these settings. What was
        # published cannot be taken back.
        if differing and not found and before.get("published") is None:
            self.save_checkpoint({})
            return None
        if differing:
            raise DifferentRunError(
                f"{self.path} was begun with other settings ({', '.join(differing)}): go on with "
                "those, choose another --out, or remove it"
            )
        return found or None


def differing_names(before: dict[str, Any], now: dict[str, Any], within: str = "") -> list[str]:
    """Names of what differs; of a table its entries, as in `config.cusum_h`."""
    names: list[str] = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            names += differing_names(old, new, f"{within}{key}.")
        elif old != new:
            names.append(f"{within}{key}")
    return names


def begun(out: Path) -> dict[str, Any] | None:
    """The identity of the run that is under way to `out`, or whole there; None without one.

    A topic goes on growing: whoever resumes reads the range that was captured at the start.
    """
    path = _partial(out.absolute()) / _CHECKPOINT
    if path.is_file():
        identity: dict[str, Any] = json.loads(path.read_text("utf-8"))["identity"]
        return identity
    return read_run(out) if (out / _RUN).is_file() else None


def finished(out: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The `run.json` of a run that was killed when it was whole already; None without one.

    Args:
        out: where it would be.
        identity: what it must have done.

    Raises:
        DifferentRunError: it did something else.
    """
    if not (out / _RUN).is_file():
        return None
    found = read_run(out)
    now = json.loads(json.dumps(identity))
    differing = differing_names({name: found.get(name) for name in now}, now)
    if differing:
        raise DifferentRunError(
            f"{out} is a whole run of other settings ({', '.join(differing)}): choose another "
            "--out, or remove it"
        )
    return found


def read_run(folder: Path) -> dict[str, Any]:
    """The `run.json` of a finished run.

    Raises:
        ReplayError: the folder holds none.
    """
    try:
        found: dict[str, Any] = json.loads((folder / _RUN).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReplayError(
            f"{folder} holds no finished run ({error}): give the --out of a `tickfleet backtest`"
        ) from error
    return found


def _partial(out: Path) -> Path:
    """Where the run works; of the root, too, which has no name."""
    path = out.parent / f"{out.name}.partial"
    check_name(path)
    return path


def _locked(path: Path, *, wait_s: float) -> IO[bytes]:
    """The lock, held until it is closed or the process ends; waits for one that is ending."""
    file, deadline_s = path.open("wb"), time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline_s:
                file.close()
                raise ReplayError(
                    f"another process is at work in {path.parent}: wait for its end, or stop it"
                ) from error
            time.sleep(0.1)
        else:
            return file


def _write_json(path: Path, content: dict[str, Any]) -> None:
    aside = path.with_suffix(".unfinished")
    with aside.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
