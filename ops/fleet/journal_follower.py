"""The fleet's newest journal record of each partition: how far it was answered, by whom, how."""

from collections.abc import Collection
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from core.errors import TickFleetError
from ops.fleet.errors import FleetUnreadableError
from ops.fleet.offsets import begins, ends
from schemas import JournalCodec, JournalRecord
from workers.brokers.client_config import admin_settings, reader_settings
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.journal.foreign import whose

__all__ = ["JournalFollower"]

# A transaction leaves a record and a marker for each partition: far more than enough to meet one.
_TAIL: Final = 100
_BATCH: Final = 10_000


class JournalFollower:
    """Reads the journal's tail, then what is added to it.

    Attributes:
        newest: by partition.
        others: which other fleets' records there were, as far as those tell.

    Args:
        config: names the cluster and the journal topic.
        partitions: of the journal.

    Raises:
        FleetUnreadableError: the brokers do not answer.
    """

    def __init__(self, config: WorkerConfig, partitions: Collection[int]) -> None:
        self.newest: dict[int, JournalRecord] = {}
        self.others: set[str] = set()
        self._config = config
        self._topic = config.topics.journal
        self._timeout_s = config.client_timeout_s
        self._codec = JournalCodec(framing_by_topic(config)(self._topic))
        admin = AdminClient(admin_settings(config))
        low = begins(admin, self._topic, partitions, self._timeout_s)
        high = ends(admin, self._topic, partitions, self._timeout_s, committed=True)
        self._unread = {number for number in partitions if high[number] > low[number]}
        self._consumer = Consumer({**reader_settings(config), "auto.offset.reset": "latest"})
        self._consumer.assign(
            [TopicPartition(self._topic, n, max(low[n], high[n] - _TAIL)) for n in partitions]
        )

    def poll(self, wait_s: float) -> dict[int, JournalRecord]:
        """Take what has come, waiting at most so long; returns `newest`, by partition.

        The first call waits until every partition's tail has been read.
        """
        waited_s = 0.0
        step_s = min(wait_s, 0.2)
        while waited_s < wait_s or (self._unread and waited_s < self._timeout_s):
            self._take(step_s)
            waited_s += step_s
        return self.newest

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, wait_s: float) -> None:
        try:
            messages = self._consumer.consume(_BATCH, wait_s)
        except KafkaException as error:
            raise FleetUnreadableError(f"{self._topic}: {error}") from error
        for message in messages:
            problem = message.error()
            number = message.partition() or 0
            if problem is None:
                self._note(number, message.value())
            elif problem.code() == KafkaError._PARTITION_EOF:
                self._unread.discard(number)

    def _note(self, number: int, value: bytes | None) -> None:
        try:
            record = self._codec.decode(value or b"")
        except TickFleetError:
            return  # a foreign record: recovery complains of it, whoever looks need not
        if other := whose(self._config, record):
            self.others.add(other)
        else:
            self.newest[number] = record
