"""Files from Maven Central, pinned by SHA-256 and fetched once: Apache Kafka's in `kafka.lock`.

The pins are the reason that the dependency graph is not resolved on each machine: they are
faster (no POMs) and a jar that was tampered with, or cut short, is never run.
`python -m ops.local.relock` resolves the graph anew and prints a new `kafka.lock`.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from core.errors import TickFleetError
from ops.local.cache import cache_dir, exclusive
from ops.local.errors import ArtifactError, LocalDependencyError

__all__ = [
    "KAFKA",
    "KAFKA_VERSION",
    "LOG_BRIDGE",
    "Pin",
    "fetch",
    "kafka_home",
    "kafka_jars",
    "read_pins",
    "sha256_of",
]

KAFKA_VERSION: Final = "4.3.1"
KAFKA: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Kafka logs through slf4j and brings log4j's core but not the bridge between the two.
LOG_BRIDGE: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class Pin:
    """One file: its Maven coordinates and the SHA-256 (hex) its bytes must have."""

    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str = ""
    packaging: str = "jar"

    @property
    def filename(self) -> str:
        """The file's name in the cache."""
        return f"{self.artifact}-{self.version}.{self.packaging}"


def read_pins(text: str) -> list[Pin]:
    """Parse a lock file: `group:artifact:version sha256` a line, `#` begins a comment."""
    lines = (re.split("[: ]", line) for line in text.splitlines() if line and line[0] != "#")
    return [Pin(*fields) for fields in lines]


def kafka_home() -> Path:
    """The cache folder of this Kafka version."""
    return cache_dir() / f"kafka-{KAFKA_VERSION}"


def kafka_jars() -> Path:
    """The folder with every pinned jar, downloaded first when it is not there.

    Blocks for the download (44 MB), or while another process downloads.

    Raises:
        ArtifactError: Maven Central cannot be reached or a jar is not the pinned one.
        LocalDependencyError: `jgo` is not installed.
    """
    jars = kafka_home() / "jars"
    pins = read_pins(files("ops.local").joinpath("kafka.lock").read_text("utf-8"))
    # The stamp holds the pins themselves: a changed lock file makes the cache stale.
    stamp, wanted = jars / "complete", "\n".join(pin.sha256 for pin in pins)
    with exclusive(kafka_home() / "lock"):
        if not (stamp.exists() and stamp.read_text("utf-8") == wanted):
            jars.mkdir(parents=True, exist_ok=True)
            fetch(pins, jars)
            stamp.write_text(wanted, "utf-8")
    return jars


def fetch(pins: Sequence[Pin], folder: Path) -> None:
    """Put pinned files into a folder; those that are there already stay.

    Raises:
        ArtifactError: Maven Central cannot be reached or a file is not the pinned one.
        LocalDependencyError: `jgo` is not installed.
    """
    with _explained(), ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda pin: _fetch(pin, folder / pin.filename), pins))


def _fetch(pin: Pin, target: Path) -> None:
    """Put one file in place; the rename makes it appear whole or not at all."""
    if target.exists() and sha256_of(target) == pin.sha256:
        return
    with tempfile.TemporaryDirectory(dir=target.parent) as repository:
        component = _maven(repository).project(pin.group, pin.artifact).at_version(pin.version)
        downloaded = Path(component.artifact(pin.classifier, pin.packaging).resolve())
        if (found := sha256_of(downloaded)) != pin.sha256:
            raise ArtifactError(
                f"{pin.filename} has SHA-256 {found}, expected {pin.sha256}: try again; if it "
                "stays so, the repository serves another file than TickFleet was tested with"
            )
        downloaded.replace(target)


def _maven(repository: str) -> Any:
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415  (optional dependency)
    except ImportError as error:
        raise LocalDependencyError("install the local stack: pip install 'tickfleet[local]'") from (
            error
        )
    return MavenContext(repo_cache=Path(repository), timeout=60)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except TickFleetError:
        raise
    except Exception as error:  # jgo raises what requests, urllib3 or the file system raise
        raise ArtifactError(
            f"could not fetch the local stack from Maven Central ({error}). Go online once to "
            "fill the cache, or point TICKFLEET_TEST_BOOTSTRAP (tests) or bootstrap_servers "
            f"(workers) at a running Apache Kafka {KAFKA_VERSION}"
        ) from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
