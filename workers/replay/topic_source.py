"""Ticks of a range of a topic, merged by event time or partition after partition."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Self

import numpy as np
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from core.errors import RetryableError
from schemas import TickCodec
from workers.batching.gaps import before_gaps
from workers.batching.records import RecordBatch, batch_records
from workers.batching.verdicts import UnreadableTickError, Verdicts, read_ticks, undecided
from workers.client_config import reader_settings
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.errors import StalledClientError
from workers.partition import Partition, Phase
from workers.replay.chunk import TickChunk
from workers.replay.errors import ReplayError
from workers.replay.merge import EventTimeMerge
from workers.replay.topic_range import TopicRange

__all__ = ["TopicSource"]

_FETCH_RECORDS: Final = 50_000
_FETCH_WAIT_S: Final = 0.2
_LONGEST_SILENCE_S: Final = 60.0
_WAITING_RECORDS: Final = 200_000


class TopicSource:
    """A range of a topic.

    Args:
        config: where the brokers are, which framing, which prices are allowed.
        span: the range.
        by_partition: one partition after the other instead of merged by event time.
        keep_messages: hand on what Kafka delivered beside the ticks.
        verdicts: which records are known to be ticks or not; of the others the codec decides.
    """

    def __init__(
        self,
        config: WorkerConfig,
        span: TopicRange,
        *,
        by_partition: bool = False,
        keep_messages: bool = False,
        verdicts: Callable[[RecordBatch], Verdicts] = undecided,
    ) -> None:
        self.name = span.topic
        self.warnings: list[str] = []
        self._config = config
        self._span = span
        self._by_partition = by_partition
        self._keep_messages = keep_messages
        self._verdicts = verdicts
        self._done = 0

    @property
    def merged_by_time(self) -> bool:
        """Unless one partition comes after the other."""
        return not self._by_partition

    @property
    def share(self) -> float:
        """How many of the offsets lie behind us."""
        return min(self._done / max(self._span.offsets, 1), 1.0)

    def describe(self) -> dict[str, Any]:
        """The range."""
        return {
            "kind": "topic",
            "topic": self._span.topic,
            "from": self._span.asked[0],
            "to": self._span.asked[1],
            "start": {str(number): offset for number, offset in self._span.start.items()},
            "end": {str(number): offset for number, offset in self._span.end.items()},
            "by_partition": self._by_partition,
        }

    def only(self, partitions: Collection[int]) -> Self:
        """The same range of some partitions."""
        kept: dict[str, Any] = {
            name: {n: value for n, value in getattr(self._span, name).items() if n in partitions}
            for name in ("start", "end", "trimmed")
        }
        return type(self)(
            self._config,
            replace(self._span, **kept),
            by_partition=self._by_partition,
            verdicts=self._verdicts,
        )

    @property
    def span(self) -> TopicRange:
        """Which offsets it reads."""
        return self._span

    def chunks(
        self, after: Mapping[int, int], reached_ns: Mapping[int, int] | None = None
    ) -> Iterator[TickChunk]:
        """The ticks, from `after` where a partition is in it.

        Raises:
            StalledClientError: the brokers went silent.
            ReplayError: retention removed what was still to be read, or a tick that was answered
                cannot be read any more.
        """
        self.warnings.extend(
            text for number, text in self._span.trimmed.items() if number not in after
        )
        for number, first in self._span.start.items():
            if after.get(number, first) < first:
                raise ReplayError(
                    f"{self.name}[{number}]: the input is retained only from {first}, the state to "
                    f"begin with is of {after[number]}: take a newer snapshot"
                )
        start = {n: after.get(n, first) for n, first in self._span.start.items()}
        wanted = [n for n in start if start[n] < self._span.end[n]]
        self._done = sum(start[n] - self._span.start[n] for n in start)
        groups = [[number] for number in wanted] if self._by_partition else [wanted]
        for group in groups:
            if group:
                yield from self._read({n: start[n] for n in group}, reached_ns or {})

    def _read(self, start: Mapping[int, int], reached_ns: Mapping[int, int]) -> Iterator[TickChunk]:
        codec = TickCodec(
            framing_by_topic(self._config)(self.name),
            allow_nonpositive_prices=self._config.allow_nonpositive_prices,
        )
        merge = EventTimeMerge(start, reached_ns)
        fetch = _Fetch(self._config, self._span, start)
        try:
            while fetch.unfinished:
                messages = fetch.some(merge)
                for number, chunk in self._decoded(codec, messages, fetch):
                    merge.add(number, chunk)
                fetch.settle()
                for number in start:
                    if number not in fetch.unfinished:
                        merge.finish(number)
                ready = merge.ready()
                if ready is not None:
                    self._done += len(ready)
                    yield ready
        finally:
            fetch.close()

    def _decoded(
        self, codec: TickCodec, messages: Sequence[Message], fetch: "_Fetch"
    ) -> Iterator[tuple[int, TickChunk]]:
        records = fetch.due(messages)
        if not len(records):
            return
        try:
            read = read_ticks(codec, records, self._verdicts(records))
        except UnreadableTickError as error:
            place = f"{self.name}[{error.partition}] at offset {error.offset}"
            raise ReplayError(f"{place}: {error}. {error.remedy}") from error
        chunk = TickChunk.decoded(records, *read)
        if self._keep_messages:
            chunk = replace(chunk, messages=records.messages)
        for number in records.partitions():
            here = np.flatnonzero(chunk.partition == number)
            fetch.taken(number, int(chunk.offset[here[-1]]))
            inside = here[chunk.offset[here] < self._span.end[number]]
            yield number, chunk.take(inside)


class _Fetch:
    """The consumer, and where each partition stands."""

    def __init__(self, config: WorkerConfig, span: TopicRange, start: Mapping[int, int]) -> None:
        self._topic, self._end = span.topic, span.end
        self._partitions = {
            number: Partition(number, 0.0, Phase.LIVE, next_offset=offset)
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

    def due(self, messages: Sequence[Message]) -> Any:
        """The records that follow what was taken, without those behind an unconfirmed gap."""
        records = batch_records(messages, self._next)
        self._held.difference_update(records.partitions())
        return before_gaps(records, self._partitions, self._ask_again)

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
        """
        for number, offset in self._ends:
            if offset >= self._end[number] and number not in self._held:
                self.unfinished.discard(number)
        self._ends.clear()

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
        if not error.retriable() and error.code() != KafkaError._ALL_BROKERS_DOWN:
            raise RetryableError(f"{self._topic}: {error.str()}")
