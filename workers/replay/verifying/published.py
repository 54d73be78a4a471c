"""What live published, record by record, up to the end that the topic had at the start."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from core.errors import RetryableError
from workers.brokers.client_config import admin_settings, reader_settings
from workers.brokers.rights import no_matter, not_allowed
from workers.config import WorkerConfig
from workers.errors import StalledClientError
from workers.journal.reader import uncommitted_end

__all__ = ["Published", "PublishedRecord"]

_CHUNK = 5_000
_WAITS = 150


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """Attributes:
    offset: in the output topic.
    key, value: its bytes.
    """

    offset: int
    key: bytes
    value: bytes


class Published:
    """One partition of an output topic, in order.

    Args:
        config: where the brokers are.
        topic: the output topic.
        partition: its number.
    """

    def __init__(self, config: WorkerConfig, topic: str, partition: int) -> None:
        self._place = TopicPartition(topic, partition)
        self._consumer = Consumer(reader_settings(config))
        low, _ = self._consumer.get_watermark_offsets(self._place, config.client_timeout_s)
        self.low = low
        admin = AdminClient(admin_settings(config))
        self._end = uncommitted_end(admin, topic, partition, config.client_timeout_s)
        self._records = self._read()
        self._ahead: deque[PublishedRecord] = deque()

    def peek(self) -> PublishedRecord | None:
        """The next record, None at the end.

        Raises:
            NotAllowedError: this user may not read the topic.
            RetryableError: the brokers went silent.
        """
        if not self._ahead:
            found = next(self._records, None)
            if found is None:
                return None
            self._ahead.append(found)
        return self._ahead[0]

    def pop(self) -> None:
        """Go on to the next."""
        self._ahead.popleft()

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _read(self) -> Iterator[PublishedRecord]:
        if self.low >= self._end:
            return
        self._consumer.assign([TopicPartition(self._place.topic, self._place.partition, self.low)])
        silent = 0
        while silent < _WAITS:
            messages = self._consumer.consume(_CHUNK, 0.2)
            silent = 0 if messages else silent + 1
            for message in messages:
                if message.error() is None:
                    yield _record(message)
                if self._reached_end(message):
                    return
        raise StalledClientError(
            f"{self._place.topic}[{self._place.partition}]: nothing came for {_WAITS * 0.2:.0f} s "
            f"below offset {self._end}: is a transaction left open?"
        )

    def _reached_end(self, message: Message) -> bool:
        error, offset = message.error(), message.offset() or 0
        if error is None:
            return offset >= self._end - 1
        if no_matter(error):
            return False
        if error.code() != KafkaError._PARTITION_EOF:
            topic = self._place.topic
            raise (
                not_allowed(error, {"topic": f"READ on {topic}"})
                or RetryableError(f"{topic}: {error.str()}")
            )
        return offset >= self._end


def _record(message: Message) -> PublishedRecord:
    return PublishedRecord(message.offset() or 0, message.key() or b"", message.value() or b"")
