"""Copies of the letters' records, back to where these came from.

A batch of copies and the progress past their letters are one transaction. Invariants: a copy has
the whole of the record's value and key, and a transaction is open only while a batch that is at
hand is sent: an open one keeps every worker from what comes after it in the ticks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from ops.dead_letters.errors import LetterTooLargeError
from ops.hand_over import OnDelivery, client_errors, hand_over
from schemas import DeadLetter
from workers.brokers.client_config import producer_settings
from workers.config import Delivery, WorkerConfig
from workers.delivery.output_limits import LEAST_LIMIT_BYTES

__all__ = ["HEADER", "Copies", "origin", "size_bytes"]

HEADER: Final = "tickfleet-replayed-from"
"""Header of a copy: topic/partition/offset of the record it is a copy of."""

_BY_KEY: Final = -1  # librdkafka: let the partitioner choose


class Copies:
    """Sends copies, each once.

    Args:
        config: names the cluster and the topics.
        name: the transactional id.
        reader: of the letters; its group keeps the progress.

    Raises:
        KafkaException: the brokers do not let it begin.
    """

    def __init__(self, config: WorkerConfig, name: str, reader: Consumer) -> None:
        self._topics = config.topics
        self._timeout_s = config.client_timeout_s
        self._reader = reader
        self._settings = _settings(config, name)
        self._producer = self._new()

    def send(self, letters: Sequence[DeadLetter], passed: Mapping[int, int]) -> list[DeadLetter]:
        """Send a batch. Blocks.

        Args:
            letters: whole ones.
            passed: the progress with them, the next offset of each of the letters' partitions.

        Returns:
            Those that the ticks topic is too small for; the progress is past them, too.

        Raises:
            KafkaException: the brokers failed; nothing of the batch is visible.
            LetterTooLargeError: as little, for a setting that can be changed.
        """
        left, refused = list(letters), list[DeadLetter]()
        while too_large := self._attempt(left, passed):
            refused += [left[i] for i in sorted(too_large)]
            left = [letter for i, letter in enumerate(left) if i not in too_large]
            # The client does not go on after a refusal: its sequence numbers then lack some.
            self._producer = self._new()
        return refused

    def _new(self) -> Producer:
        producer = Producer(self._settings)
        producer.init_transactions(self._timeout_s)
        return producer

    def _attempt(self, letters: Sequence[DeadLetter], passed: Mapping[int, int]) -> set[int]:
        """Send all; or none, and return the indices of some that the topic is too small for."""
        too_large = set[int]()
        try:
            with self._transaction():
                for i, letter in enumerate(letters):
                    self._hand_over(letter, partial(_report, too_large, i))
                self._producer.flush(self._timeout_s)
                self._producer.send_offsets_to_transaction(
                    [TopicPartition(self._topics.dead_letters, *place) for place in passed.items()],
                    self._reader.consumer_group_metadata(),
                    self._timeout_s,
                )
                self._producer.commit_transaction(self._timeout_s)
        except KafkaException:
            if not too_large:
                raise
        if any(size_bytes(letters[i]) < LEAST_LIMIT_BYTES for i in too_large):
            raise LetterTooLargeError(
                f"{self._topics.ticks} does not take {LEAST_LIMIT_BYTES} bytes at once: raise its "
                "max.message.bytes, then run the command again"
            )
        return too_large

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Abort what does not come to its end."""
        self._producer.begin_transaction()
        try:
            with client_errors():
                yield
        except BaseException:
            with suppress(KafkaException):  # the brokers do it, transaction_timeout_ms later
                self._producer.abort_transaction(self._timeout_s)
            raise

    def _hand_over(self, letter: DeadLetter, on_delivery: OnDelivery) -> None:
        message = _copy(letter, self._topics.ticks)
        try:
            hand_over(self._producer, message, on_delivery)
        except BufferError as error:
            raise _too_large(letter, "queue.buffering.max.kbytes") from error
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise
            raise _too_large(letter, "message.max.bytes") from error


def origin(letter: DeadLetter) -> str:
    """Where the record is: topic/partition/offset."""
    return f"{letter.source_topic}/{letter.source_partition}/{letter.source_offset}"


def size_bytes(letter: DeadLetter) -> int:
    """Of the copy, but for what Kafka needs beside."""
    headers = sum(len(name) + len(value or b"") for name, value in letter.headers)
    return len(letter.value or b"") + len(letter.key or b"") + headers


def _copy(letter: DeadLetter, topic: str) -> dict[str, Any]:
    """What `produce` is told of a letter's record."""
    headers = [(key, value) for key, value in letter.headers if key != HEADER]
    return {
        "topic": topic,
        "value": letter.value,
        "key": letter.key,
        # To where it came from: whoever produced it may have a partitioner of its own.
        "partition": letter.source_partition if letter.source_topic == topic else _BY_KEY,
        "headers": [*headers, (HEADER, origin(letter).encode())],
    }


def _report(too_large: set[int], index: int, error: KafkaError | None, _: Message) -> None:
    # Any other failure is the transaction's.
    if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        too_large.add(index)


def _too_large(letter: DeadLetter, setting: str) -> LetterTooLargeError:
    return LetterTooLargeError(
        f"{origin(letter)}: its {size_bytes(letter)} bytes are too much for {setting}: raise that "
        "in [kafka.producer], then run the command again"
    )


def _settings(config: WorkerConfig, name: str) -> dict[str, Any]:
    """The worker's, in transactions whatever its delivery."""
    transactional = replace(config, delivery=Delivery.EXACTLY_ONCE)
    settings = producer_settings(transactional, lambda _error: None)
    # It is for deliveries without transactions, which have a limit of their own and may be shorter.
    settings.pop("message.timeout.ms", None)
    return {
        **settings,
        "transactional.id": name,
        # Whoever waits for a place in the queue wakes with them.
        "delivery.report.only.error": False,
        # What is larger goes by itself: a batch that is refused is refused whole.
        "batch.size": LEAST_LIMIT_BYTES,
    }
