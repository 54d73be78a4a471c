"""Which offsets of a topic a replay reads: decided once, before the first record."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from core.errors import RetryableError
from workers.brokers.client_config import reader_settings
from workers.brokers.reasons import Reasons
from workers.brokers.rights import not_allowed
from workers.config import WorkerConfig
from workers.replay.errors import ReplayError

__all__ = ["Bound", "TopicRange", "capture_range", "partitions_of"]


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range: an offset, the same in every partition, or a time.

    Attributes:
        offset: None where a time is meant.
        time_ms: of the records' Kafka timestamps, milliseconds since the Unix epoch.
    """

    offset: int | None = None
    time_ms: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """An offset such as `1200`, or an ISO time; without a zone it is UTC.

        Raises:
            ReplayError: it is neither.
        """
        if text.isdecimal():
            return cls(offset=int(text))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ReplayError(
                f"{text!r} is neither an offset nor a time: write 1200 or 2013-09-01T00:00Z"
            ) from error
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return cls(time_ms=round(moment.timestamp() * 1000))

    def __str__(self) -> str:
        """As it can be typed."""
        if self.time_ms is None:
            return str(self.offset)
        return datetime.fromtimestamp(self.time_ms / 1000, UTC).isoformat()


@dataclass(frozen=True, slots=True)
class TopicRange:
    """Attributes:
    topic: its name.
    start: the first offset of each partition.
    end: the one behind the last.
    asked: what was asked for, as texts: first, and behind the last; None: no bound.
    trimmed: warnings about partitions whose beginning retention has removed.
    """

    topic: str
    start: Mapping[int, int]
    end: Mapping[int, int]
    asked: tuple[str | None, str | None] = (None, None)
    trimmed: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def described(cls, source: Mapping[str, Any]) -> Self:
        """The range that a topic's description as a source tells."""
        start, end = ({int(n): at for n, at in source[side].items()} for side in ("start", "end"))
        return cls(source["topic"], start, end)

    def only(self, partitions: Collection[int]) -> Self:
        """Of some partitions."""
        kept: dict[str, Any] = {
            name: {n: value for n, value in getattr(self, name).items() if n in partitions}
            for name in ("start", "end", "trimmed")
        }
        return replace(self, **kept)

    @property
    def offsets(self) -> int:
        """How many there are, transaction markers included."""
        return sum(max(self.end[number] - self.start[number], 0) for number in self.start)


def capture_range(
    config: WorkerConfig,
    topic: str,
    begin: Bound | None,
    end: Bound | None,
    *,
    before: Mapping[str, Any] | None = None,
) -> TopicRange:
    """Ask the brokers; what is written later is not part of the range. Blocks.

    The end is the last stable offset: every transaction below it is decided.

    Args:
        config: where the brokers are.
        topic: its name.
        begin: where to begin; None: at the first record that is retained.
        end: where to stop before; None: at the end of now.
        before: the description of the source of interrupted work, which keeps its range where
            the same is asked for.

    Raises:
        RetryableError: the brokers do not answer.
        ReplayError: there is no such topic.
    """
    asked = (None if begin is None else str(begin), None if end is None else str(end))
    known = None if before is None else (before.get("topic"), before.get("from"), before.get("to"))
    if before is not None and known == (topic, *asked):
        return replace(TopicRange.described(before), asked=asked)
    reasons, timeout_s = Reasons(), config.client_timeout_s
    consumer = Consumer({**reader_settings(config), **reasons.options})
    try:
        numbers = partitions_of(consumer, topic, timeout_s)
        captured = _capture(consumer, topic, numbers, begin, end, timeout_s)
        return replace(captured, asked=asked)
    except KafkaException as error:
        raise RetryableError(f"no answer about {topic}: {reasons.why(consumer, error)}") from error
    finally:
        consumer.close()


def partitions_of(consumer: Consumer, topic: str, timeout_s: float) -> list[int]:
    """A topic's partition numbers; a KafkaException where the brokers do not answer.

    Raises:
        NotAllowedError: this user may not know.
        ReplayError: there is no such topic.
    """
    found = consumer.list_topics(topic, timeout_s).topics[topic]
    if found.error is not None or not found.partitions:
        lacking = not_allowed(found.error, {"topic": f"READ, DESCRIBE on {topic}"})
        raise lacking or ReplayError(f"no topic {topic}: check its name and bootstrap_servers")
    return sorted(found.partitions)


def _capture(  # noqa: PLR0917
    consumer: Consumer,
    topic: str,
    numbers: list[int],
    begin: Bound | None,
    end: Bound | None,
    timeout_s: float,
) -> TopicRange:
    first, last, trimmed = {}, {}, {}
    for number in numbers:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout_s)
        wanted = _resolve(consumer, topic, number, begin, low, high, timeout_s)
        first[number] = min(max(wanted, low), high)
        last[number] = min(_resolve(consumer, topic, number, end, high, high, timeout_s), high)
        # By time it is never below what is retained: what was removed before may be of the range.
        by_offset = begin is not None and begin.offset is not None
        if low > 0 and (wanted < low if by_offset else wanted <= low):
            trimmed[number] = (
                f"{topic}[{number}]: retention has removed everything before offset {low}; the "
                "state begins empty there"
            )
    return TopicRange(topic, first, last, trimmed=trimmed)


def _resolve(  # noqa: PLR0917
    consumer: Consumer,
    topic: str,
    number: int,
    bound: Bound | None,
    default: int,
    high: int,
    timeout_s: float,
) -> int:
    if bound is None:
        return default
    if bound.offset is not None:
        return bound.offset
    [found] = consumer.offsets_for_times(
        [TopicPartition(topic, number, bound.time_ms or 0)], timeout_s
    )
    return high if found.offset < 0 else int(found.offset)
