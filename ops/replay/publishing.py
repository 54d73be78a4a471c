"""What `--to-topic` and `--flags-to-topic` mean: which topics, under which run id."""

import uuid
from pathlib import Path

from workers.config import WorkerConfig
from workers.replay import Publishing, ReplayError, begun

__all__ = ["publishing_to"]


def publishing_to(
    config: WorkerConfig,
    topic: str,
    flags_topic: str | None,
    run_id: str | None,
    out: Path,
    *,
    ticks: str | None,
) -> Publishing:
    """Where a run's results go; a run that was interrupted keeps its id.

    Args:
        config: where the brokers are, and the fleet's own topics.
        topic: where the results go.
        flags_topic: where the flag events go; None: nowhere.
        run_id: made up if None.
        out: the run's folder.
        ticks: the topic that is replayed; None for a file.

    Raises:
        ReplayError: a topic is one of the fleet's own, or the same is to take both.
    """
    for option, to in (("--to-topic", topic), ("--flags-to-topic", flags_topic)):
        if to in {*config.topics.all(), *((ticks,) if ticks else ())}:
            raise ReplayError(
                f"{to} belongs to the fleet, whose readers would take what is published for live: "
                f"give {option} one of its own"
            )
    if topic == flags_topic:
        raise ReplayError(
            f"{topic}: results and flag events are different records, which no reader tells "
            "apart in one topic: give --flags-to-topic one of its own"
        )
    before = (begun(out) or {}).get("published")
    if run_id is None:
        run_id = before["run_id"] if before is not None else f"{out.name}-{uuid.uuid4().hex[:8]}"
    return Publishing(
        config, topic, run_id, same_partition=ticks is not None, flags_topic=flags_topic
    )
