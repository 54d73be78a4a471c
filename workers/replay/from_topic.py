"""Runs over topics, put together: a free one at event time, or one as recorded and verified."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, KafkaException

from core.errors import RetryableError
from schemas import FlagEventCodec, ResultCodec
from workers.client_config import reader_settings
from workers.config import Delivery, WorkerConfig
from workers.framing import framing_by_topic
from workers.replay.decisions import EventTime
from workers.replay.errors import ReplayError
from workers.replay.flag_verify import FlagComparison
from workers.replay.folder import interrupted
from workers.replay.history import History, read_history
from workers.replay.published import Published, PublishedRecord
from workers.replay.run import RunPlan
from workers.replay.topic_range import Bound, TopicRange, capture_range
from workers.replay.topic_source import TopicSource
from workers.replay.verify import Verifier

__all__ = ["plan_as_recorded", "plan_topic", "verifying"]


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
    before = interrupted(out)
    if before is not None and before["source"].get("topic") == topic:
        start, end_at = (
            {int(number): offset for number, offset in before["source"][side].items()}
            for side in ("start", "end")
        )
        span = TopicRange(topic, start, end_at)
    else:
        span = capture_range(config, topic, begin, end)
    source = TopicSource(config, span, by_partition=by_partition)
    return RunPlan(source, config.predictor, config.dtype, EventTime(config.predictor), out)


def plan_as_recorded(
    config: WorkerConfig, topic: str, out: Path, *, begin: Mapping[int, int] | None = None
) -> tuple[RunPlan, History]:
    """A run over everything that live answered, under live's decisions. Blocks.

    Args:
        config: the fleet's settings.
        topic: the ticks topic.
        out: the folder to be made.
        begin: per partition the offset of the state to begin with; others begin empty.

    Raises:
        RetryableError: the brokers do not answer.
        ReplayError: journal or input do not reach back far enough, or are another fleet's.
    """
    history = read_history(config, topic, begin)
    source = TopicSource(config, history.span, by_partition=True)
    return RunPlan(source, config.predictor, config.dtype, history.recorded, out), history


@contextmanager
def verifying(
    config: WorkerConfig, history: History, predictions: str, *, flags: str | None
) -> Iterator[Verifier]:
    """A comparison with what live published, for the run of the same history.

    Args:
        config: the fleet's settings.
        history: what live did.
        predictions: the topic of the results.
        flags: the topic of the flag events; None leaves them out.

    Raises:
        ReplayError: there is no such topic.
        RetryableError: the brokers do not answer.
    """
    framing_of, repeats = framing_by_topic(config), config.delivery is Delivery.AT_LEAST_ONCE
    _partitions(config, predictions)
    topic = history.span.topic
    comparison = None
    if flags is not None:
        numbers = _partitions(config, flags)
        comparison = FlagComparison(
            FlagEventCodec(framing_of(flags)),
            lambda: _records(config, flags, numbers),
            history.journal,
            history.recorded.answered_from,
            source_topic=topic,
            max_depth=config.predictor.log_sig_depth,
            repeats_allowed=repeats,
        )
    verifier = Verifier(
        ResultCodec(framing_of(predictions)),
        FlagEventCodec(framing_of(flags or config.topics.flags)),
        lambda number: Published(config, predictions, number),
        history.journal,
        history.recorded.answered_from,
        repeats_allowed=repeats,
        flags=comparison,
    )
    try:
        yield verifier
    finally:
        verifier.close()


def _partitions(config: WorkerConfig, topic: str) -> list[int]:
    consumer = Consumer(reader_settings(config))
    try:
        found = consumer.list_topics(topic, config.client_timeout_s).topics[topic]
    except KafkaException as error:
        raise RetryableError(f"no answer about {topic}: {error}") from error
    finally:
        consumer.close()
    if found.error is not None or not found.partitions:
        raise ReplayError(f"no topic {topic}: check its name and bootstrap_servers")
    return sorted(found.partitions)


def _records(config: WorkerConfig, topic: str, numbers: list[int]) -> Iterator[PublishedRecord]:
    for number in numbers:
        published = Published(config, topic, number)
        try:
            while (record := published.peek()) is not None:
                yield record
                published.pop()
        finally:
            published.close()
