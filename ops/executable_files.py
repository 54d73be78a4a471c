"""Executables as files, under a name that changes with all they depend on.

A file is the SHA-256 of its content, then the content: one cut short or damaged is as good as none.
"""

import hashlib
import json
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

import core

__all__ = ["ExecutableFiles"]

_log = structlog.get_logger()
_MOST_FILES: Final = 64
_DIGEST_SIZE: Final = 32


@dataclass(frozen=True)
class ExecutableFiles:
    """A folder of them; the files longest unused go first.

    Attributes:
        folder: made when the first one is saved. Whoever may write here may run code as us.
    """

    folder: Path

    def load(self, facts: Mapping[str, str]) -> bytes | None:
        """What was saved under these facts by this very source code on such a processor."""
        path = self._path(facts)
        try:
            found = path.read_bytes()
            path.touch()
        except OSError:
            return None
        digest, content = found[:_DIGEST_SIZE], found[_DIGEST_SIZE:]
        if hashlib.sha256(content).digest() != digest:
            _log.warning("executable_damaged", path=str(path), remedy="it is compiled again")
            return None
        return content

    def save(self, facts: Mapping[str, str], content: bytes) -> None:
        """Keep it; failing to is no error."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as unfinished:
                unfinished.write(hashlib.sha256(content).digest() + content)
            Path(unfinished.name).replace(self._path(facts))
            self._make_room()
        except OSError as error:
            _log.warning("executable_not_kept", folder=str(self.folder), reason=str(error))

    def _path(self, facts: Mapping[str, str]) -> Path:
        everything = {**facts, "source": _SOURCE, "processor": _processor()}
        name = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
        return self.folder / f"{name}.executable"

    def _make_room(self) -> None:
        files = sorted(self.folder.glob("*.executable"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_MOST_FILES]:
            path.unlink(missing_ok=True)


def _source_digest() -> str:
    """Of the predictor's source code: what is compiled is made by nothing else of ours."""
    digest = hashlib.sha256()
    root = Path(core.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _processor() -> str:
    """The instructions it knows: code made for others may fault."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    known = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    return f"{platform.machine()} {sorted(known)}"


# Read as this process imports the code: under one that is upgraded in place, the files may be
# another release's by the time something is compiled.
_SOURCE: Final = _source_digest()
