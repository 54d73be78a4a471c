"""Print a new `kafka.lock`: `python -m ops.local.relock > ops/local/kafka.lock`.

Of the log bridge only its own jar is taken: resolved together, its parent's managed versions
would override Kafka's.
"""

import sys
from pathlib import Path
from typing import Final

import jgo

from ops.local.artifacts import KAFKA, LOG_BRIDGE, sha256_of

_MADE_BY: Final = "# Made by: python -m ops.local.relock > ops/local/kafka.lock"


def relock() -> str:
    """Resolve the whole graph from Maven Central and return the text of a lock file."""
    jars = [*jgo.resolve(KAFKA), jgo.resolve(LOG_BRIDGE)[0]]
    lines = sorted(
        f"{jar.groupId}:{jar.artifactId}:{jar.version} {sha256_of(Path(jar.resolve()))}"
        for jar in jars
    )
    return "\n".join((f"# {KAFKA} and {LOG_BRIDGE}", _MADE_BY, *lines)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(relock())
