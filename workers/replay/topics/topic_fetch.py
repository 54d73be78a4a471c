"""Fetches ranges of a topic's partitions, and sees that nothing is missing that was there."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from core.errors import RetryableError
from workers.batching.gaps import before_gaps
from workers.batching.records import RecordBatch, batch_records
from workers.batching.vanished import VanishedRecordError, refuse_vanished, vanished_rest
from workers.brokers.client_config import reader_settings
from workers.brokers.rights import no_matter, not_allowed
from workers.config import WorkerConfig
from workers.errors import StalledClientError
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition, Phase
from workers.replay.errors import ReplayError
from workers.replay.topics.merge import EventTimeMerge
from workers.replay.topics.topic_range import TopicRange

__all__ = ["TopicFetch"]

_FETCH_RECORDS: Final = 50_000
_FETCH_WAIT_S: Final = 0.2
_LONGEST_SILENCE_S: Final = 60.0
_WAITING_RECORDS: Final = 200_000


class TopicFetch:
    """The consumer, and where each partition stands.

    Args:
        config: where the brokers are.
        span: the range.
        start: where to begin, by partition.
        logs: what names records that must come, by partition; others without.
    """

    def __init__(
        self,
        config: WorkerConfig,
        span: TopicRange,
        start: Mapping[int, int],
        logs: Mapping[int, DecisionLog],
    ) -> None:
        self._topic, self._end = span.topic, span.end
        self._partitions = {
            number: Partition(
                number,
                0.0,
                Phase.REPLAYING,
                next_offset=offset,
                emitted_to=self._end[number] - 1,
                log=logs.get(number, DecisionLog()),
            )
            for number, offset in start.items()
        }
        self._held: set[int] = set()
        self._paused: set[int] = set()
        self._ends: list[tuple[int, int]] = []
        self._heard_s = time.monotonic()
        self.unfinished = set(start)
        self._consumer = Consumer({**reader_settings(config), "fetch.wait.max.ms": 100})
        self._consumer.assign(
            [TopicPartition(self._topic, number, offset) for number, offset in start.items()]
        )

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def some(self, merge: EventTimeMerge) -> list[Message]:
        """Records as they come; partitions that are far ahead of the hindmost pause."""
        self._balance(merge)
        records = []
        for message in self._consumer.consume(_FETCH_RECORDS, _FETCH_WAIT_S):
            error, number = message.error(), message.partition()
            if error is None:
                records.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._ends.append((number or 0, message.offset() or 0))
            else:
                self._judge(error)
        if records:
            self._heard_s = time.monotonic()
        elif time.monotonic() - self._heard_s > _LONGEST_SILENCE_S:
            raise StalledClientError(
                f"{self._topic}: nothing came for {_LONGEST_SILENCE_S:.0f} s, and the end is not "
                "reached: check the brokers, then go on with --resume"
            )
        return records

    def due(self, messages: Sequence[Message]) -> RecordBatch:
        """The records that follow what was taken, without those behind an unconfirmed gap.

        Raises:
            ReplayError: records that live answered are missing among them.
        """
        records = batch_records(messages, self._next)
        self._held.difference_update(records.partitions())
        records = before_gaps(records, self._partitions, self._ask_again)
        try:
            refuse_vanished(records, self._partitions)
        except VanishedRecordError as error:
            raise self._vanished(error.partition, error.offset) from error
        return records

    def taken(self, number: int, offset: int) -> None:
        """Everything up to an offset has been taken."""
        self._partitions[number].next_offset = offset + 1
        if offset >= self._end[number] - 1:
            self.unfinished.discard(number)

    def _next(self, number: int) -> int | None:
        return self._partitions[number].next_offset if number in self.unfinished else None

    def _ask_again(self, partition: Partition, first_missing: int) -> None:
        self._held.add(partition.number)
        self._consumer.seek(TopicPartition(self._topic, partition.number, first_missing))

    def settle(self) -> None:
        """Where the log was seen to end, after the records before it: only markers may be left.

        While a gap is being fetched again, the end that was seen lies behind it.

        Raises:
            ReplayError: records that live answered are missing there.
        """
        for number, offset in self._ends:
            if offset >= self._end[number] and number not in self._held:
                self._refuse_more(self._partitions[number])
                self.unfinished.discard(number)
        self._ends.clear()

    def _refuse_more(self, partition: Partition) -> None:
        missing = vanished_rest(partition)
        if missing is not None:
            raise self._vanished(partition.number, missing)

    def _vanished(self, number: int, offset: int) -> ReplayError:
        return ReplayError(
            f"{self._topic}[{number}] at offset {offset}: the record was answered, and the topic "
            "does not hold it any more: it is compacted, lost records with a broker, or was "
            "created anew. Begin behind what is missing, with --from-snapshot"
        )

    def _balance(self, merge: EventTimeMerge) -> None:
        ahead = {
            number
            for number in self.unfinished
            if merge.waiting(number) > _WAITING_RECORDS and not merge.hindmost(number)
        }
        if new := ahead - self._paused:
            self._consumer.pause([TopicPartition(self._topic, number) for number in new])
        if free := (self._paused - ahead) & self.unfinished:
            self._consumer.resume([TopicPartition(self._topic, number) for number in free])
        self._paused = ahead

    def _judge(self, error: KafkaError) -> None:
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise ReplayError(
                f"{self._topic}: retention removed what was still to be read ({error.str()}): "
                "raise retention.ms, or begin later with --from"
            )
        if error.retriable() or error.code() == KafkaError._ALL_BROKERS_DOWN or no_matter(error):
            return
        raise (
            not_allowed(error, {"topic": f"READ on {self._topic}"})
            or RetryableError(f"{self._topic}: {error.str()}")
        )
