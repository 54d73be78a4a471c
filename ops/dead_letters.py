"""Sends dead letters back to the ticks topic, each once, whatever interrupts it.

The copies and the progress are one transaction: progress is kept for each error class under a
group of its own, so a second run sends what has come since, and one class can be replayed
before another. Invariant: a copy has the whole of the record's value and key.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from core.errors import FatalError, RetryableError, TickFleetError
from ops.topics import NoSuchTopicError
from schemas import DeadLetter, DeadLetterCodec, ErrorClass
from workers.brokers.client_config import base_settings
from workers.brokers.commits import commits_of
from workers.brokers.rights import not_allowed
from workers.config import WorkerConfig
from workers.emission.burial import is_cut
from workers.emission.framing import framing_by_topic

__all__ = [
    "HEADER",
    "HOPELESS",
    "HopelessReplayError",
    "ReplayError",
    "ReplayReport",
    "replay_dead_letters",
]

HEADER: Final = "tickfleet-replayed-from"
"""Header of a copy: topic/partition/offset of the record it is a copy of."""

_BATCH: Final = 500
_POLL_S: Final = 0.2
_BY_KEY: Final = -1  # librdkafka: let the partitioner choose
HOPELESS: Final = frozenset({ErrorClass.NULL_KEY, ErrorClass.TOMBSTONE})
"""Records of these classes can never become ticks."""


class HopelessReplayError(FatalError):
    """Records of this class can never become ticks."""


class ReplayError(RetryableError):
    """Brokers failed; nothing of the last transaction is visible. Run it again."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of one class's dead letters that were not sent before.

    Attributes:
        sent: copies written.
        unsent: those that another run would send.
        cut: topic/partition/offset of records of which the letter holds only a part: never sent.
    """

    sent: int
    unsent: int
    cut: tuple[str, ...]


def replay_dead_letters(
    config: WorkerConfig, error_class: str, *, dry_run: bool, limit: int | None = None
) -> ReplayReport:
    """Send every dead letter of one class that was not sent before.

    Args:
        config: names the cluster, the group and the topics.
        error_class: which; see the dead letters' `error_class`.
        dry_run: only count.
        limit: send at most so many.

    Raises:
        HopelessReplayError: such a record can never be a tick.
        NoSuchTopicError: there is no topic of dead letters.
        NotAllowedError: this user lacks a right.
        ReplayError: the brokers failed, or did not answer.
    """
    if error_class in HOPELESS:
        raise HopelessReplayError(
            f"a record refused as {error_class} can never be a tick: have its producer send it "
            "anew with a key and a value"
        )
    name = _name(config, error_class)
    try:
        with closing(_reader(config, name)) as reader:
            unsent = _unsent(config, reader)
            if dry_run:
                return _count(letter for _, letter in unsent if letter.error_class == error_class)
            return _send_all(config, reader, unsent, error_class, limit=limit)
    except KafkaException as error:
        needed = {
            "topic": f"READ on {config.topics.dead_letters}, WRITE on {config.topics.ticks}",
            "group": f"READ on {name}",
            "transactional id": f"WRITE on {name}",
        }
        raise (
            not_allowed(error.args[0], needed)
            or ReplayError(f"dead letters: {error}; run the command again")
        ) from error


def _name(config: WorkerConfig, error_class: str) -> str:
    """Of the group that keeps a class's progress, and of the transactions that move it."""
    return f"{config.group_id}.dead-letters.{error_class}"


def _count(letters: Iterator[DeadLetter]) -> ReplayReport:
    unsent, cut = 0, list[str]()
    for letter in letters:
        if is_cut(letter):
            cut.append(_origin(letter))
        else:
            unsent += 1
    return ReplayReport(0, unsent, tuple(cut))


def _send_all(
    config: WorkerConfig,
    reader: Consumer,
    unsent: Iterator[tuple[Message, DeadLetter]],
    error_class: str,
    *,
    limit: int | None,
) -> ReplayReport:
    producer = _producer(config, error_class)
    sent, left, cut = 0, 0, list[str]()
    begun, passed = False, dict[int, int]()
    for message, letter in unsent:
        if letter.error_class == error_class:
            if is_cut(letter):
                cut.append(_origin(letter))
            elif sent == limit:
                left += 1
            else:
                if not begun:
                    producer.begin_transaction()
                    begun = True
                _produce(producer, config.topics.ticks, letter)
                sent += 1
        passed[message.partition() or 0] = (message.offset() or 0) + 1
        if begun and (sent % _BATCH == 0 or sent == limit):
            _commit(producer, reader, config, passed)
            begun = False
    if begun:
        _commit(producer, reader, config, passed)
    return ReplayReport(sent, left, tuple(cut))


def _commit(
    producer: Producer, reader: Consumer, config: WorkerConfig, passed: Mapping[int, int]
) -> None:
    topic = config.topics.dead_letters
    producer.send_offsets_to_transaction(
        [TopicPartition(topic, number, offset) for number, offset in passed.items()],
        reader.consumer_group_metadata(),
        config.client_timeout_s,
    )
    producer.commit_transaction(config.client_timeout_s)


def _produce(producer: Producer, topic: str, letter: DeadLetter) -> None:
    headers = [(key, value) for key, value in letter.headers if key != HEADER]
    # To where it came from: whoever produced it may have a partitioner of its own.
    partition = letter.source_partition if letter.source_topic == topic else _BY_KEY
    producer.produce(
        topic,
        letter.value,
        letter.key,
        partition,
        headers=[*headers, (HEADER, _origin(letter).encode())],
    )
    producer.poll(0)


def _origin(letter: DeadLetter) -> str:
    return f"{letter.source_topic}/{letter.source_partition}/{letter.source_offset}"


def _unsent(config: WorkerConfig, reader: Consumer) -> Iterator[tuple[Message, DeadLetter]]:
    """Dead letters from the group's progress to the end of today."""
    topic = config.topics.dead_letters
    codec = DeadLetterCodec(framing_by_topic(config)(topic))
    found = reader.list_topics(topic, config.client_timeout_s).topics[topic]
    if not found.partitions:
        lacking = not_allowed(found.error, {"topic": f"READ, DESCRIBE on {topic}"})
        raise lacking or NoSuchTopicError(topic)
    places = [TopicPartition(topic, number) for number in found.partitions]
    reader.assign(_progress(reader, places, config.client_timeout_s))
    unfinished = set(found.partitions)
    heard_s = time.monotonic()
    while unfinished:
        messages = reader.consume(_BATCH, _POLL_S)
        if not messages and time.monotonic() - heard_s > config.client_timeout_s:
            raise ReplayError(
                f"{topic}: nothing came for {config.client_timeout_s:.0f} s, and the end is not "
                "reached: check the brokers, then run the command again"
            )
        for message in messages:
            error = message.error()
            if error is None:
                yield from _decoded(codec, message)
            elif error.code() == KafkaError._PARTITION_EOF:
                unfinished.discard(message.partition() or 0)
            else:
                raise KafkaException(error)
        if messages:
            # Not before: to send them may have taken the caller longer than silence may last.
            heard_s = time.monotonic()


def _progress(
    reader: Consumer, places: list[TopicPartition], timeout_s: float
) -> list[TopicPartition]:
    """Where the group is; a KafkaException where that is not told."""
    try:
        return commits_of(reader, places, timeout_s)
    except KafkaException as failure:
        if failure.args[0].code() != KafkaError._TIMED_OUT:
            raise
        # For a group that it may not use the client asks again and again; only its queue says why.
        for message in reader.consume(_BATCH, _POLL_S):
            if (error := message.error()) is not None:
                raise KafkaException(error) from None
        raise


def _decoded(codec: DeadLetterCodec, message: Message) -> Iterator[tuple[Message, DeadLetter]]:
    try:
        yield message, codec.decode(message.value() or b"")
    except TickFleetError:
        return  # somebody else's record in our topic is nobody's tick


def _reader(config: WorkerConfig, group: str) -> Consumer:
    options: dict[str, Any] = {
        **base_settings(config),
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
    return Consumer(options)


def _producer(config: WorkerConfig, error_class: str) -> Producer:
    def fail(error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)

    producer = Producer(
        {
            **base_settings(config),
            "transactional.id": _name(config, error_class),
            "partitioner": "murmur2_random",
            "message.max.bytes": 8_000_000,
            "error_cb": fail,
        }
    )
    producer.init_transactions(config.client_timeout_s)
    return producer
