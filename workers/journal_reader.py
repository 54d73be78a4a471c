"""Read one journal partition up to its end, so that nothing answered is answered again.

The order matters (design §5): the caller has first waited for pending offset commits; the end
is then taken under READ_UNCOMMITTED, and the read waits until every transaction below that end
is decided. Commit markers reach partitions one by one, and the journal's may come last.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from core.errors import RetryableError
from schemas import Framing, JournalCodec, JournalRecord
from workers.client_config import base_settings
from workers.config import WorkerConfig
from workers.errors import StalledClientError

__all__ = ["JournalReader", "JournalTail", "read_journal", "uncommitted_end"]

_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class JournalTail:
    """What a journal partition holds from a position on.

    Attributes:
        records: the committed records.
        end: the high watermark they were read up to.
        trimmed: retention has removed records between the position and the first one read.
    """

    records: list[JournalRecord]
    end: int
    trimmed: bool


def uncommitted_end(admin: AdminClient, topic: str, partition: int, timeout_s: float) -> int:
    """The high watermark, open transactions included; blocks up to twice the timeout.

    Raises:
        StalledClientError: the brokers did not answer.
    """
    try:
        return _uncommitted_end(admin, topic, partition, timeout_s)
    except (KafkaException, TimeoutError) as error:
        # After a change of leader an admin client asks with the old leader's epoch, and is
        # refused (FENCED_LEADER_EPOCH), for ever: metadata of the topic is what it learns from.
        # Without this a worker would never again store a snapshot (as librdkafka#4620). Codes
        # above zero are a broker's answers: brokers that are away need not be asked again.
        if isinstance(error, KafkaException) and error.args[0].code() > 0:
            with suppress(KafkaException):
                admin.list_topics(topic, timeout=timeout_s)
        raise StalledClientError(
            f"{topic}[{partition}]: no end offset: {error}. It is asked again"
        ) from error


def _uncommitted_end(admin: AdminClient, topic: str, partition: int, timeout_s: float) -> int:
    wanted = TopicPartition(topic, partition)
    futures = admin.list_offsets(
        {wanted: OffsetSpec.latest()},
        isolation_level=IsolationLevel.READ_UNCOMMITTED,
        request_timeout=timeout_s,
    )
    return int(futures[wanted].result(timeout=timeout_s).offset)


def read_journal(
    config: WorkerConfig, framing: Framing, reader: Consumer, partition: int, position: int
) -> JournalTail:
    """The journal's committed records from a position up to its end as of now; blocks.

    Args:
        config: names the topic and how long a transaction may stay undecided.
        framing: the journal topic's.
        reader: see `JournalReader`.
        partition: of the journal.
        position: where to begin.

    Raises:
        StalledClientError: the brokers do not answer, or a transaction stays open.
    """
    topic = config.topics.journal
    admin = AdminClient(base_settings(config))
    try:
        # A fresh client that is asked for offsets at once waits up to three seconds now and then,
        # until it hears of the leader by itself; after the topic's metadata it does not.
        admin.list_topics(topic, timeout=config.client_timeout_s)
    except KafkaException as error:
        raise StalledClientError(f"{topic}: no metadata: {error}. It is asked again") from error
    end = uncommitted_end(admin, topic, partition, config.client_timeout_s)
    patience_s = 3 * config.transaction_timeout_ms / 1000
    journal = JournalReader(reader, topic, JournalCodec(framing), patience_s=patience_s)
    return journal.read(partition, position, end)


class JournalReader:
    """Reads journal partitions with a consumer that is no member of the group.

    Args:
        reader: a read_committed consumer with `enable.partition.eof`.
        topic: the journal topic.
        codec: decoder of its records.
        patience_s: how long to wait for a transaction to be decided.
    """

    def __init__(
        self, reader: Consumer, topic: str, codec: JournalCodec, *, patience_s: float
    ) -> None:
        self._reader = reader
        self._topic = topic
        self._codec = codec
        self._patience_s = patience_s

    def read(self, partition: int, position: int, end: int) -> JournalTail:
        """The committed records from `position` up to `end`, which is exclusive.

        Raises:
            StalledClientError: a transaction stayed open longer than the patience.
        """
        low, _ = self._reader.get_watermark_offsets(
            TopicPartition(self._topic, partition), self._patience_s
        )
        start = max(position, low)
        if start >= end:
            return JournalTail([], end, low > position)
        self._reader.assign([TopicPartition(self._topic, partition, start)])
        try:
            return JournalTail(self._drain(partition, end), end, low > position)
        finally:
            self._reader.unassign()

    def _drain(self, partition: int, end: int) -> list[JournalRecord]:
        records: list[JournalRecord] = []
        deadline_s = time.monotonic() + self._patience_s
        while time.monotonic() < deadline_s:
            for message in self._reader.consume(_CHUNK, 0.1):
                error = message.error()
                offset = message.offset()
                assert offset is not None  # consumed, not produced
                if error is None:
                    records.append(self._codec.decode(message.value() or b""))
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise RetryableError(f"{self._topic}[{partition}]: {error}")
                if offset >= (end - 1 if error is None else end):
                    return records
        raise StalledClientError(
            f"{self._topic}[{partition}]: a transaction below {end} is still open after "
            f"{self._patience_s:.0f} s; `kafka-transactions.sh find-hanging` shows whose it is"
        )
