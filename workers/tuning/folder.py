"""Where a search keeps its trials and leaves its result; who may work there.

`study.sqlite` and `search.json` are there from the start, `tuned.toml` and `evidence.json` when
the search is done. One search works in a folder at a time.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workers.tuning.errors import TuningError
from workers.tuning.evidence import Evidence

__all__ = ["opened", "save_result"]

_SEARCH, _LOCK = "search.json", "lock"
_DONE = ("tuned.toml", "evidence.json")


@contextmanager
def opened(out: Path, identity: dict[str, Any], *, resume: bool) -> Iterator[Path]:
    """The folder, for this search alone; yields the path of its study.

    Raises:
        TuningError: another search's folder, one at work, or one to `resume` without being told.
    """
    if (out / _SEARCH).is_file():
        _check_same(out, json.loads((out / _SEARCH).read_text("utf-8")), identity, resume=resume)
    elif out.exists() and any(out.iterdir()):
        raise TuningError(f"{out} is there already: choose another --out, or remove it")
    out.mkdir(parents=True, exist_ok=True)
    with (out / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TuningError(f"another search works in {out}: wait for it") from None
        _write(out / _SEARCH, json.dumps(identity, indent=2))
        for name in _DONE:
            (out / name).unlink(missing_ok=True)
        yield out / "study.sqlite"


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


def _check_same(out: Path, before: dict[str, Any], now: dict[str, Any], *, resume: bool) -> None:
    now = json.loads(json.dumps(now))
    if differing := sorted(key for key in now if before.get(key) != now[key]):
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
