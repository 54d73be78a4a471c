"""Sends ticks to a topic, as fast as the brokers take them or at a pace."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from jaxtyping import Float64

from ops.hand_over import LONGEST_WAIT_S, client_errors, hand_over
from ops.ticks.errors import TicksNotDeliveredError, TooFewPartitionsError
from ops.ticks.table import TickTable
from ops.topics import NoSuchTopicError
from schemas import TickCodec
from workers.brokers.reasons import Reasons
from workers.brokers.rights import not_allowed
from workers.errors import NotAllowedError

if TYPE_CHECKING:
    from workers.replay import RecordColumns

__all__ = ["at_rate", "in_real_time", "send_ticks", "unpaced"]

_CHUNK: Final = 2_000
_FLUSH_TIMEOUT_S: Final = 60.0
_METADATA_TIMEOUT_S: Final = 10.0
_DueTimes = Float64[np.ndarray, " n"]


def unpaced(table: TickTable) -> _DueTimes:
    """Everything is due at once. Due times are seconds since sending began."""
    return np.zeros(len(table))


def at_rate(table: TickTable, per_second: float) -> _DueTimes:
    """Evenly spaced, whatever the timestamps say."""
    return np.arange(len(table)) / per_second


def in_real_time(table: TickTable) -> _DueTimes:
    """As far apart as the timestamps; one that runs backwards is due with the tick before it."""
    if not len(table):
        return np.zeros(0)
    return np.maximum.accumulate((table.timestamp_ns - table.timestamp_ns[0]) / 1e9)


@dataclass
class _Failures:
    """Counts what was not acknowledged, and keeps the first reason."""

    count: int = 0
    reason: KafkaError | None = None

    def delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self.count += 1
            self.reason = self.reason or error


def send_ticks(
    table: TickTable,
    due_s: _DueTimes,
    *,
    topic: str,
    codec: TickCodec,
    producer_options: dict[str, Any],
    first_is_now: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Send all ticks in order, keyed by asset; returns when the brokers have what was sent.

    Where the table knows of records, they go to the same partition numbers, with the same times and
    headers; else the key leads, and times are new.

    Args:
        table: the ticks.
        due_s: when each is to go, seconds from now, never decreasing.
        topic: where to.
        codec: encodes them.
        producer_options: librdkafka's, with the brokers' address.
        first_is_now: move the timestamps so that the first is the time at which it is sent. A time
            taken by the caller is of before the brokers answered, and makes all ticks that old.
        progress: called with the number of ticks handed over since the last call.
        stopped: asked every fifth of a second, or more often, whether to end before the last one.

    Returns:
        How many were sent, from the first on.

    Raises:
        NoSuchTopicError: there is no such topic; nothing was sent.
        NotAllowedError: this user may not write to it.
        TicksNotDeliveredError: some were not acknowledged.
        TooFewPartitionsError: the topic lacks partitions of the records; nothing was sent.
    """
    # As Java's producer does, so that an asset keeps its partition whoever sends it.
    defaults = {"partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 5}
    reasons = Reasons()
    producer = Producer({**defaults, **producer_options, **reasons.options})
    _check_topic(producer, topic, table.records, reasons)
    failures = _Failures()
    if first_is_now:
        table = table.starting_at(time.time_ns())
    begun_s, sent = time.monotonic(), 0
    with _explained(topic):
        while sent < len(table) and not stopped():
            elapsed_s = time.monotonic() - begun_s
            due = int(np.searchsorted(due_s, elapsed_s, side="right"))
            end = min(due, sent + _CHUNK)
            if end > sent:
                part = slice(sent, end)
                values = codec.encode_batch(
                    table.asset_id[part],
                    table.price[part],
                    table.target[part],
                    table.timestamp_ns[part],
                )
                for message in _messages(table, part, topic, values):
                    hand_over(producer, message, failures.delivered)
                producer.poll(0)
                progress(end - sent)
                sent = end
            else:
                producer.poll(min(float(due_s[sent]) - elapsed_s, LONGEST_WAIT_S))
        waiting = producer.flush(_FLUSH_TIMEOUT_S)
    if waiting or failures.count:
        reason = "no answer" if failures.reason is None else failures.reason.str()
        raise _lacking(topic, failures.reason) or TicksNotDeliveredError(
            f"{waiting + failures.count} of {sent} ticks were not acknowledged by {topic} "
            f"({reason}): check that the topic exists and the brokers are up, then send them again"
        )
    return sent


@contextmanager
def _explained(topic: str) -> Iterator[None]:
    """What the client raises, as an error of ours."""
    try:
        with client_errors():
            yield
    except KafkaException as error:
        reason = error.args[0]
        raise _lacking(topic, reason) or TicksNotDeliveredError(
            f"{topic} takes no ticks: {reason.str()}"
        ) from error


def _lacking(topic: str, error: KafkaError | None) -> NotAllowedError | None:
    needed = f"WRITE, DESCRIBE on {topic}"
    # An idempotent producer is for whoever may write to some topic.
    return not_allowed(error, {"topic": needed, "cluster": needed})


def _check_topic(
    producer: Producer, topic: str, records: "RecordColumns | None", reasons: Reasons
) -> None:
    """Ask first: the client itself waits for half a minute for a topic that is not there."""
    try:
        found = producer.list_topics(topic, _METADATA_TIMEOUT_S).topics[topic]
    except KafkaException as error:
        raise TicksNotDeliveredError(
            f"no answer about {topic}: {reasons.told(producer, error)}"
        ) from error
    # Brokers that make topics as they are asked for say something else.
    if found.error is not None and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise NoSuchTopicError(topic)
    if lacking := _lacking(topic, found.error):
        raise lacking
    wanted = 0 if records is None else int(records.partition.max(initial=-1)) + 1
    if found.error is None and wanted > len(found.partitions):
        raise TooFewPartitionsError(
            f"{topic} has {len(found.partitions)} partitions, the file's records were in {wanted}: "
            "create it with as many, or say --records new to let each asset's key lead"
        )


def _messages(
    table: TickTable, part: slice, topic: str, values: Sequence[bytes]
) -> Iterator[dict[str, Any]]:
    """What `produce` is told of each tick."""
    keyed = zip(table.asset_id[part], values, strict=True)
    plain = ({"topic": topic, "key": asset.encode(), "value": value} for asset, value in keyed)
    if table.records is None:
        yield from plain
        return
    known = table.records
    columns = (known.time_ms[part].tolist(), known.partition[part].tolist(), known.headers[part])
    for message, time_ms, partition, headers in zip(plain, *columns, strict=True):
        place = {"timestamp": time_ms, "partition": partition, "headers": headers or None}
        yield message | place
