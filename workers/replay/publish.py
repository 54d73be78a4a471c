"""Results of a run into a topic, and its flag events into another, each once, whatever is killed.

A transaction holds some results, the flag events they raised and, as the committed offset of a
group named after the run, how many results the topic then has. Whoever goes on with the run reads
that number and leaves as many out, with their events. A run makes its results in the same order
each time, so the number says which ones.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from core.errors import RetryableError
from schemas import FlagEvent, FlagEventCodec, ResultCodec, ResultColumns
from workers.brokers.client_config import producer_settings, reader_settings
from workers.brokers.commits import commits_of
from workers.brokers.rights import not_allowed
from workers.config import Delivery, WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.errors import NotAllowedError
from workers.replay.errors import ReplayError
from workers.replay.record_columns import Headers

__all__ = ["RUN_ID_HEADER", "Publishing", "RunPublisher"]

RUN_ID_HEADER: Final = "run_id"
_ANY_PARTITION: Final = -1
_BATCH: Final = 20_000
_Raised: TypeAlias = dict[tuple[int, int], list[FlagEvent]]


@dataclass(frozen=True, slots=True)
class Publishing:
    """Attributes:
    config: where the brokers are, which framing.
    topic: where the results go.
    run_id: a header of every result and every flag event.
    same_partition: whether a result goes to the partition number of its tick; else its key
        decides, as a producer of ticks has it.
    flags_topic: where the flag events go, by asset; None: nowhere.
    part: tells the slices of a run apart.
    """

    config: WorkerConfig
    topic: str
    run_id: str
    same_partition: bool
    flags_topic: str | None = None
    part: str = ""

    @property
    def group(self) -> str:
        """The group whose committed offset is the number of published results."""
        return f"tickfleet-backtest-{self.run_id}{self.part}"

    def describe(self) -> dict[str, str | None]:
        """For `run.json`."""
        return {"topic": self.topic, "flags_topic": self.flags_topic, "run_id": self.run_id}

    def of_part(self, part: str) -> "Publishing":
        """For one slice of the run."""
        return replace(self, part=part)


class RunPublisher:
    """Publishes one run's results and flag events in their order.

    Args:
        publishing: where to.
        done: how many results the run has made before, published or not.

    Raises:
        NotAllowedError: this user may not write them.
        ReplayError: a topic cannot take them.
        RetryableError: the brokers did not answer.
    """

    def __init__(self, publishing: Publishing, *, done: int) -> None:
        self._to = publishing
        self._made = done
        config = replace(
            publishing.config, group_id=publishing.group, delivery=Delivery.EXACTLY_ONCE
        )
        self._timeout_s = config.client_timeout_s
        framing_of = framing_by_topic(config)
        self._codec = ResultCodec(framing_of(publishing.topic))
        self._flag_codec = FlagEventCodec(framing_of(publishing.flags_topic or publishing.topic))
        self._reader = Consumer(reader_settings(config))
        try:
            self._partitions = self._count_partitions(publishing.topic)
            if publishing.flags_topic is not None:
                self._count_partitions(publishing.flags_topic)
            # What fails, a single message too, fails the transaction.
            settings = producer_settings(config, lambda _error: None)
            self._producer = Producer({**settings, "transactional.id": publishing.group})
            self._producer.init_transactions(self._timeout_s)
            [committed] = commits_of(self._reader, [self._progress(0)], self._timeout_s)
        except KafkaException as error:
            self._reader.close()
            raise self._lacking(error.args[0]) or RetryableError(
                f"{publishing.topic} cannot be written to: {error}"
            ) from error
        except (ReplayError, NotAllowedError):
            self._reader.close()
            raise
        self._published = max(int(committed.offset), 0)
        if self._published < done:
            self._reader.close()
            raise ReplayError(
                f"{publishing.topic}: the group {publishing.group} knows of {self._published} "
                f"published results, the run made {done}: its offsets were removed. Remove the "
                "partial run and publish under another --run-id"
            )

    def publish(self, results: ResultColumns, events: Iterable[FlagEvent]) -> None:
        """Make results visible with the events that they raised, but for what is already. Blocks.

        Raises:
            ReplayError: a result is of a partition that the topic does not have.
            RetryableError: the brokers did not take them.
        """
        count, made = len(results.asset_id), self._made
        fresh = range(max(self._published - made, 0), count)
        values = self._codec.encode_batch(results)
        raised: _Raised = defaultdict(list)
        for event in events if self._to.flags_topic is not None else ():
            raised[event.source_partition, event.source_offset].append(event)
        for first in range(fresh.start, count, _BATCH):
            self._commit(results, values, raised, range(first, min(first + _BATCH, count)))
        self._made += count

    def close(self) -> None:
        """Leave the brokers."""
        self._reader.close()
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def _commit(
        self, results: ResultColumns, values: list[bytes], raised: _Raised, which: range
    ) -> None:
        partitions = results.source_partition
        if self._to.same_partition and int(np.max(partitions)) >= self._partitions:
            raise ReplayError(
                f"{self._to.topic} has {self._partitions} partitions, the ticks "
                f"{int(np.max(partitions)) + 1} at least: create it with as many as the ticks have"
            )
        headers: Headers = [(RUN_ID_HEADER, self._to.run_id)]
        offsets = results.source_offset
        try:
            self._producer.begin_transaction()
            for i in which:
                self._producer.produce(
                    self._to.topic,
                    values[i],
                    results.asset_id[i],
                    partition=int(partitions[i]) if self._to.same_partition else _ANY_PARTITION,
                    headers=headers,
                )
                for event in raised.get((int(partitions[i]), int(offsets[i])), ()):
                    self._raise(str(self._to.flags_topic), event, headers)
            self._producer.send_offsets_to_transaction(
                [self._progress(self._made + which.stop)],
                self._reader.consumer_group_metadata(),
                self._timeout_s,
            )
            self._producer.commit_transaction(self._timeout_s)
        except (KafkaException, BufferError) as error:
            lacking = isinstance(error, KafkaException) and self._lacking(error.args[0])
            raise lacking or RetryableError(
                f"{self._to.topic}: results could not be published ({error}): go on with --resume"
            ) from error
        self._published = self._made + which.stop

    def _raise(self, topic: str, event: FlagEvent, headers: Headers) -> None:
        """As a worker does, beside the run's id."""
        self._producer.produce(
            topic,
            self._flag_codec.encode(event),
            event.asset_id.encode(),
            headers=[*headers, *self._flag_codec.cloudevent_headers(event)],
        )

    def _progress(self, count: int) -> TopicPartition:
        return TopicPartition(self._to.topic, 0, count)

    def _lacking(self, error: KafkaError | None) -> NotAllowedError | None:
        flags = f" and WRITE, DESCRIBE on {self._to.flags_topic}" if self._to.flags_topic else ""
        needed = {
            "topic": f"READ, WRITE, DESCRIBE on {self._to.topic}{flags}",
            "group": f"READ on {self._to.group}",
            "transactional id": f"WRITE, DESCRIBE on {self._to.group}",
        }
        return not_allowed(error, needed)

    def _count_partitions(self, topic: str) -> int:
        found = self._reader.list_topics(topic, self._timeout_s).topics[topic]
        if found.error is not None or not found.partitions:
            raise self._lacking(found.error) or ReplayError(
                f"no topic {topic}: create it first, with as many partitions as the ticks have"
            )
        return len(found.partitions)
