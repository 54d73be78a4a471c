"""Read one journal partition up to its end, so that nothing answered is answered again.

The order matters (design §5): the caller has first waited for pending offset commits; the end
is then taken under READ_UNCOMMITTED, and the read waits until every transaction below that end
is decided. Commit markers reach partitions one by one, and the journal's may come last.
"""

import time
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from core.errors import RetryableError
from schemas import Framing, JournalCodec, JournalRecord
from workers.brokers.client_config import admin_settings
from workers.brokers.log_offsets import log_ends
from workers.brokers.rights import no_matter, not_allowed
from workers.config import WorkerConfig
from workers.errors import StalledClientError

__all__ = ["JournalReader", "JournalTail", "uncommitted_end"]

_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class JournalTail:
    """What a journal partition holds from a position on.

    Attributes:
        records: the committed records.
        position: where they should begin.
        low: the first retained offset.
        end: the high watermark they were read up to.
    """

    records: list[JournalRecord]
    position: int
    low: int
    end: int

    @property
    def trimmed(self) -> bool:
        """Whether retention has removed records behind the position."""
        return self.low > self.position

    @property
    def cut_off(self) -> bool:
        """Whether it ends before the position: it is no longer the journal that was read there."""
        return self.end < self.position


def uncommitted_end(admin: AdminClient, topic: str, partition: int, timeout_s: float) -> int:
    """The high watermark, open transactions included; blocks up to a few times the timeout.

    Raises:
        StalledClientError: the brokers did not answer.
    """
    try:
        [end] = log_ends(admin, [TopicPartition(topic, partition)], timeout_s, committed=False)
    except (KafkaException, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        raise StalledClientError(
            f"{topic}[{partition}]: no end offset: {reason}. It is asked again"
        ) from error
    return end


class JournalReader:
    """Reads journal partitions, and asks where they end. Any thread may call.

    Args:
        config: names the topic and how long a transaction may stay undecided.
        framing: the journal topic's.
    """

    def __init__(self, config: WorkerConfig, framing: Framing) -> None:
        self._topic = config.topics.journal
        self._codec = JournalCodec(framing)
        self._timeout_s = config.client_timeout_s
        self._patience_s = 3 * config.transaction_timeout_ms / 1000
        # One for all: a client of its own for each recovery connects anew to every broker.
        self._admin = AdminClient(admin_settings(config))

    def end(self, partition: int) -> int:
        """Where a partition ends now, open transactions included; blocks.

        Raises:
            StalledClientError: the brokers did not answer.
        """
        return uncommitted_end(self._admin, self._topic, partition, self._timeout_s)

    def read(self, consumer: Consumer, partition: int, position: int) -> JournalTail:
        """The committed records from a position up to the partition's end as of now; blocks.

        Args:
            consumer: read_committed, with `enable.partition.eof`, in no group; nobody else's.
            partition: of the journal.
            position: where to begin.

        Raises:
            StalledClientError: the brokers do not answer, or a transaction stays open.
        """
        end = self.end(partition)
        low, _ = consumer.get_watermark_offsets(
            TopicPartition(self._topic, partition), self._patience_s
        )
        start = max(position, low)
        if start >= end:
            return JournalTail([], position, low, end)
        consumer.assign([TopicPartition(self._topic, partition, start)])
        try:
            return JournalTail(self._drain(consumer, partition, end), position, low, end)
        finally:
            consumer.unassign()

    def _drain(self, consumer: Consumer, partition: int, end: int) -> list[JournalRecord]:
        records: list[JournalRecord] = []
        deadline_s = time.monotonic() + self._patience_s
        while time.monotonic() < deadline_s:
            messages = consumer.consume(_CHUNK, 0.1)
            if any(message.error() is None for message in messages):
                # A long journal, or slow brokers: only what stands still is waited for in vain.
                deadline_s = time.monotonic() + self._patience_s
            for message in messages:
                error = message.error()
                if error is not None and no_matter(error):
                    continue
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    lacking = not_allowed(error, {"topic": f"READ on {self._topic}"})
                    raise RetryableError(f"{self._topic}[{partition}]: {lacking or error}")
                offset = message.offset()
                assert offset is not None  # of a record, and of the end; of no other error
                if error is None:
                    records.append(self._codec.decode(message.value() or b""))
                if offset >= (end - 1 if error is None else end):
                    return records
        raise StalledClientError(
            f"{self._topic}[{partition}]: no record below {end} for {self._patience_s:.0f} s: "
            "the brokers do not answer, or a transaction is still open; "
            "`kafka-transactions.sh find-hanging` shows whose it is"
        )
