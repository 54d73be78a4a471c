"""Where a search keeps its trials and leaves its result; who may work there.

`search.json` and `study.sqlite` are there once the ticks were read, `tuned.toml` and
`evidence.json` when the search is done. One search works in a folder at a time; one that fails
before its first trial leaves nothing.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.replay.files.names import check_name
from workers.replay.output.folder import differing_names
from workers.replay.output.room import no_room
from workers.tuning.errors import SearchHaltedError, TuningError
from workers.tuning.evidence import Evidence

__all__ = ["TOPIC_TICKS", "SearchFolder", "interrupted", "opened", "save_result"]

TOPIC_TICKS = "ticks.parquet"
"""What was read of a topic."""
_SEARCH, _LOCK = "search.json", "lock"
_DONE = ("tuned.toml", "evidence.json")
_BEFORE_TRIALS = (TOPIC_TICKS, f"{TOPIC_TICKS}.unfinished", f"{_SEARCH}.unfinished", _LOCK)


@dataclass(frozen=True, slots=True)
class SearchFolder:
    """Attributes:
    path: of the folder.
    identity: what the search does.
    begun: whether an interrupted search of the same is continued.
    """

    path: Path
    identity: dict[str, Any]
    begun: bool

    @property
    def study(self) -> Path:
        """The file of the trials."""
        return self.path / "study.sqlite"

    def begin(self) -> None:
        """From here on the folder holds a search, and no result of it."""
        _write(self.path / _SEARCH, json.dumps(self.identity, indent=2))
        for name in _DONE:
            (self.path / name).unlink(missing_ok=True)

    def abandon(self) -> None:
        """No trial was finished, and none can be: the folder holds no search."""
        self.study.unlink(missing_ok=True)
        (self.path / _SEARCH).unlink()


@contextmanager
def opened(out: Path, identity: dict[str, Any], *, resume: bool) -> Iterator[SearchFolder]:
    """The folder, for this search alone.

    Raises:
        TuningError: another search's folder, or one to `resume` without being told.
        SearchHaltedError: another search is at work there.
        NoRoomError: the disk is full.
    """
    before = interrupted(out)
    if before is not None:
        _check_same(out, before, identity, resume=resume)
    elif out.exists() and not _left_empty(out):
        raise TuningError(f"{out} is there already: choose another --out, or remove it")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TuningError(
            f"{out} cannot be made ({error.strerror}): choose another --out"
        ) from error
    try:
        with _alone_in(out):
            yield SearchFolder(out, identity, begun=before is not None)
    except OSError as error:
        remedy = "run it again" if interrupted(out) is None else "go on with --resume"
        if told := no_room(out, error, remedy):
            raise told from error
        raise


def interrupted(out: Path) -> dict[str, Any] | None:
    """The identity of the search in a folder, whether it is done or not; None without one.

    Raises:
        ReplayError: no folder can have that name.
    """
    check_name(out)
    if not (out / _SEARCH).is_file():
        return None
    found: dict[str, Any] = json.loads((out / _SEARCH).read_text("utf-8"))
    return found


def save_result(out: Path, evidence: Evidence) -> None:
    """Write the configuration and its evidence."""
    found = evidence.to_dict()
    _write(out / "evidence.json", json.dumps(found, indent=2))
    lines = [
        "# Found by `tickfleet tune`; the evidence is in evidence.json and report.html.",
        f"# Verdict: {found['verdict']['meaning']}.",
        "# Searched: " + ", ".join(f"{k} = {v}" for k, v in found["chosen"].items()),
        "",
        "[predictor]",
        *(f"{key} = {json.dumps(value)}" for key, value in found["config"].items()),
    ]
    _write(out / "tuned.toml", "\n".join(lines) + "\n")


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    with (out / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SearchHaltedError(f"another search works in {out}: wait for it") from None
        try:
            yield
        finally:
            if interrupted(out) is None:
                _clear(out)


def _left_empty(out: Path) -> bool:
    """Whether nothing is there, or what a search left that was killed before its first trial.

    Without its lock a file is somebody else's, whatever its name.
    """
    names = {path.name for path in out.iterdir()} if out.is_dir() else {"a file"}
    return not names or (_LOCK in names and names <= set(_BEFORE_TRIALS))


def _clear(out: Path) -> None:
    """Take back what was made before the first trial."""
    for name in _BEFORE_TRIALS:
        (out / name).unlink(missing_ok=True)
    with suppress(OSError):  # whoever put something else there in the meantime keeps it
        out.rmdir()


def _check_same(out: Path, before: dict[str, Any], now: dict[str, Any], *, resume: bool) -> None:
    now = json.loads(json.dumps(now))
    if differing := differing_names(before, now):
        raise TuningError(
            f"{out} holds a search with another {', '.join(differing)}: choose another --out, or "
            "remove it"
        )
    if not resume:
        raise TuningError(f"{out} holds this search already: go on with --resume, or remove it")


def _write(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".unfinished")
    aside.write_text(text, "utf-8")
    aside.replace(path)
