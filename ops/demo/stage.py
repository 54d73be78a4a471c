"""The demonstration's broker, store, topics and settings file, in one folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.local import LocalKafka
from ops.settings import load_settings
from ops.topics import create_topics
from workers import WorkerConfig

__all__ = ["Stage", "set_stage"]

# The first compiler tier: within the half minute of a demonstration the second never pays.
_JAVA: Final = ("-XX:TieredStopAtLevel=1",)


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demonstration plays on.

    Attributes:
        worker: the workers' settings.
        config: the file they are in.
        folder: logs, snapshots and broker data.
    """

    worker: WorkerConfig
    config: Path
    folder: Path


@contextmanager
def set_stage(folder: Path, partitions: int) -> Iterator[Stage]:
    """Start a broker, create the topics, write `fleet.toml`; the broker ends with the context.

    Raises:
        ArtifactError, LocalStartError: the broker could not be fetched or started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with LocalKafka(folder / "kafka", java_options=_JAVA) as broker:
        config = folder / "fleet.toml"
        snapshots = (folder / "snapshots").absolute().as_uri()
        lines = {
            "bootstrap_servers": broker.bootstrap,
            "group_id": "demo",
            "snapshot_url": snapshots,
            "snapshot_interval_s": 3.0,
        }
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
        config.write_text(text + "\n[http]\nport = 0\n", "utf-8")
        worker = load_settings(config).worker
        create_topics(worker, partitions=partitions)
        yield Stage(worker, config, folder)
