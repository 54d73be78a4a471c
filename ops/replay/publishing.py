"""What `--to-topic` means: which topics may be written to, under which run id."""

import uuid
from pathlib import Path

from workers.config import WorkerConfig
from workers.replay import Publishing, ReplayError, interrupted

__all__ = ["publishing_to"]


def publishing_to(
    config: WorkerConfig, topic: str, run_id: str | None, out: Path, *, ticks: str | None
) -> Publishing:
    """Where a run's results go; a run that was interrupted keeps its id.

    Args:
        config: where the brokers are, and the fleet's own topics.
        topic: where to.
        run_id: made up if None.
        out: the run's folder.
        ticks: the topic that is replayed; None for a file.

    Raises:
        ReplayError: the topic is one of the fleet's own.
    """
    if topic in {*config.topics.all(), ticks}:
        raise ReplayError(
            f"{topic} belongs to the fleet, whose readers would take these results for live ones: "
            "give --to-topic one of its own"
        )
    before = (interrupted(out) or {}).get("published")
    if run_id is None:
        run_id = before["run_id"] if before is not None else f"{out.name}-{uuid.uuid4().hex[:8]}"
    return Publishing(config, topic, run_id, same_partition=ticks is not None)
