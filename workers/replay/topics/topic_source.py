"""Ticks of a range of a topic, merged by event time or partition after partition."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from confluent_kafka import Message

from schemas import TickCodec
from workers.batching.verdicts import UnreadableTickError, read_ticks, undecided
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.replay.chunk import TickChunk
from workers.replay.decisions import Recorded
from workers.replay.errors import ReplayError
from workers.replay.topics.merge import EventTimeMerge
from workers.replay.topics.topic_fetch import TopicFetch
from workers.replay.topics.topic_range import TopicRange

__all__ = ["TopicSource"]


class TopicSource:
    """A range of a topic.

    Args:
        config: where the brokers are, which framing, which prices are allowed.
        span: the range.
        by_partition: one partition after the other instead of merged by event time.
        keep_messages: hand on what Kafka delivered beside the ticks.
        recorded: what live did: it tells which records are ticks or not, of the others the codec
            decides, and which must be there.
    """

    def __init__(
        self,
        config: WorkerConfig,
        span: TopicRange,
        *,
        by_partition: bool = False,
        keep_messages: bool = False,
        recorded: Recorded | None = None,
    ) -> None:
        self.name = span.topic
        self.warnings: list[str] = []
        self._config = config
        self._span = span
        self._by_partition = by_partition
        self._keep_messages = keep_messages
        self._recorded = recorded
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
        return type(self)(
            self._config,
            self._span.only(partitions),
            by_partition=self._by_partition,
            recorded=self._recorded,
        )

    @property
    def span(self) -> TopicRange:
        """Which offsets it reads."""
        return self._span

    def chunks(
        self, after: Mapping[int, int], reached_ns: Mapping[int, int] | None = None
    ) -> Generator[TickChunk]:
        """The ticks, from `after` where a partition is in it.

        Raises:
            StalledClientError: the brokers went silent.
            ReplayError: retention removed what was still to be read, or a tick that was answered
                cannot be read any more, or is gone.
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

    def _read(
        self, start: Mapping[int, int], reached_ns: Mapping[int, int]
    ) -> Generator[TickChunk]:
        codec = TickCodec(
            framing_by_topic(self._config)(self.name),
            allow_nonpositive_prices=self._config.allow_nonpositive_prices,
        )
        merge = EventTimeMerge(start, reached_ns)
        logs = {} if self._recorded is None else self._recorded.logs
        fetch = TopicFetch(self._config, self._span, start, logs)
        try:
            while fetch.unfinished:
                messages = fetch.some(merge)
                for number, chunk in self._decoded(codec, messages, fetch):
                    merge.add(number, chunk)
                fetch.settle()
                for number in start:
                    if number not in fetch.unfinished:
                        merge.finish(number)
                ready = merge.ready() or TickChunk.none()
                self._done += len(ready)
                yield ready
        finally:
            fetch.close()

    def _decoded(
        self, codec: TickCodec, messages: Sequence[Message], fetch: TopicFetch
    ) -> Iterator[tuple[int, TickChunk]]:
        records = fetch.due(messages)
        if not len(records):
            return
        verdicts = undecided if self._recorded is None else self._recorded.verdicts
        try:
            read = read_ticks(codec, records, verdicts(records))
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
