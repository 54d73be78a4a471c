"""Runs over topics, put together: a free one at event time, or one as recorded."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from snapshots import PartitionImage
from workers.config import WorkerConfig
from workers.replay.decisions import EventTime
from workers.replay.output.folder import begun
from workers.replay.run import RunPlan
from workers.replay.topics.history import History, read_history
from workers.replay.topics.topic_range import Bound, TopicRange, capture_range
from workers.replay.topics.topic_source import TopicSource

__all__ = ["plan_as_recorded", "plan_topic"]


def plan_topic(
    config: WorkerConfig,
    topic: str,
    out: Path,
    *,
    begin: Bound | None = None,
    end: Bound | None = None,
    by_partition: bool = False,
) -> RunPlan:
    """A run over a range of a topic, at event time; an interrupted one keeps its range. Blocks.

    Raises:
        RetryableError: the brokers do not answer.
        ReplayError: there is no such topic.
    """
    before = (begun(out) or {}).get("source")
    span = capture_range(config, topic, begin, end, before=before)
    source = TopicSource(config, span, by_partition=by_partition)
    return RunPlan(source, config.predictor, config.dtype, EventTime(config.predictor), out)


def plan_as_recorded(
    config: WorkerConfig,
    topic: str,
    out: Path,
    *,
    begin: Mapping[int, PartitionImage] | None = None,
) -> tuple[RunPlan, History]:
    """A run over everything that live answered, under live's decisions. Blocks.

    An interrupted one keeps its range, whatever live has answered since.

    Args:
        config: the fleet's settings.
        topic: the ticks topic.
        out: the folder to be made.
        begin: per partition the state to begin with; others begin empty.

    Raises:
        RetryableError: the brokers do not answer.
        ReplayError: journal or input do not reach back far enough, or are another fleet's.
    """
    history = read_history(config, topic, begin)
    before = begun(out) or {}
    if before.get("decisions") == history.recorded.name and before["source"]["topic"] == topic:
        history = replace(history, span=TopicRange.described(before["source"]))
    source = TopicSource(config, history.span, by_partition=True, recorded=history.recorded)
    return RunPlan(source, config.predictor, config.dtype, history.recorded, out), history
