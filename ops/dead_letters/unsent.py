"""The dead letters that a group's progress has not passed.

Invariant: only a record that is no letter is passed over. What keeps letters from being read ends
the reading, so that no progress goes past them.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ops.dead_letters.errors import ReplayError
from ops.topics import NoSuchTopicError
from schemas import DeadLetter, DeadLetterCodec, UndecodableError
from workers.brokers.client_config import base_settings
from workers.brokers.commits import commits_of
from workers.brokers.reasons import Reasons
from workers.brokers.rights import not_allowed
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic

__all__ = ["reader_of", "unsent"]

_BATCH: Final = 500
_POLL_S: Final = 0.2


def reader_of(config: WorkerConfig, group: str, reasons: Reasons) -> Consumer:
    """A consumer of the letters, outside the membership of the group that keeps the progress."""
    options: dict[str, Any] = {
        **base_settings(config),
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        **reasons.options,
    }
    return Consumer(options)


def unsent(
    config: WorkerConfig, reader: Consumer, reasons: Reasons
) -> Iterator[tuple[Message, DeadLetter]]:
    """Dead letters of all classes from the group's progress to the end as it is now. Blocks.

    Workers may refuse what is sent meanwhile: those letters are for another run.

    Raises:
        KafkaException: the brokers failed.
        NoSuchTopicError: there is no topic of dead letters.
        NotAllowedError: this user lacks a right.
        RegistryUnavailableError, RegistryRefusedError: with a registry only.
        ReplayError: the brokers did not answer, or fell silent.
    """
    places = _places(config, reader, reasons)
    ends = {one.partition: _end(reader, one, config.client_timeout_s) for one in places}
    reader.assign(_progress(reader, places, config.client_timeout_s))
    return _letters(config, reader, ends)


def _letters(
    config: WorkerConfig, reader: Consumer, ends: Mapping[int, int]
) -> Iterator[tuple[Message, DeadLetter]]:
    topic = config.topics.dead_letters
    codec = DeadLetterCodec(framing_by_topic(config)(topic))
    unfinished = set(ends)
    heard_s = time.monotonic()
    while unfinished:
        messages = reader.consume(_BATCH, _POLL_S)
        if not messages and time.monotonic() - heard_s > config.client_timeout_s:
            raise ReplayError(
                f"{topic}: nothing came for {config.client_timeout_s:.0f} s, and the end is not "
                "reached: check the brokers, then run the command again"
            )
        for message in messages:
            error, number = message.error(), message.partition() or 0
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if error is None and (message.offset() or 0) < ends[number]:
                yield from _decoded(codec, message)
            else:
                unfinished.discard(number)
        if messages:
            # Not before: to send them may have taken the caller longer than silence may last.
            heard_s = time.monotonic()


def _places(config: WorkerConfig, reader: Consumer, reasons: Reasons) -> list[TopicPartition]:
    topic = config.topics.dead_letters
    try:
        found = reader.list_topics(topic, config.client_timeout_s).topics[topic]
    except KafkaException as error:
        raise ReplayError(f"no answer about {topic}: {reasons.told(reader, error)}") from error
    if not found.partitions:
        lacking = not_allowed(found.error, {"topic": f"READ, DESCRIBE on {topic}"})
        raise lacking or NoSuchTopicError(topic)
    return [TopicPartition(topic, number) for number in found.partitions]


def _end(reader: Consumer, place: TopicPartition, timeout_s: float) -> int:
    """Before what is in an open transaction."""
    _, end = reader.get_watermark_offsets(place, timeout_s)
    return int(end)


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
        letter = codec.decode(message.value() or b"")
    except UndecodableError:
        return  # somebody else's record in our topic is nobody's tick
    yield message, letter
