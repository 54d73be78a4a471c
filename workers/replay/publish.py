"""Results of a run into a topic, each once, whatever is killed on the way.

A transaction holds some results and, as the committed offset of a group named after the run, how
many results the topic then has. Whoever goes on with the run reads that number and leaves as many
out. A run makes its results in the same order each time, so the number says which ones.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from core.errors import RetryableError
from schemas import ResultCodec, ResultColumns
from workers.client_config import producer_settings, reader_settings
from workers.config import Delivery, WorkerConfig
from workers.framing import framing_by_topic
from workers.replay.errors import ReplayError

__all__ = ["RUN_ID_HEADER", "Publishing", "RunPublisher"]

RUN_ID_HEADER: Final = "run_id"
_ANY_PARTITION: Final = -1
_BATCH: Final = 20_000


@dataclass(frozen=True, slots=True)
class Publishing:
    """Attributes:
    config: where the brokers are, which framing.
    topic: where to.
    run_id: a header of every result.
    same_partition: whether a result goes to the partition number of its tick; else its key
        decides, as a producer of ticks has it.
    part: tells the slices of a run apart.
    """

    config: WorkerConfig
    topic: str
    run_id: str
    same_partition: bool
    part: str = ""

    @property
    def group(self) -> str:
        """The group whose committed offset is the number of published results."""
        return f"tickfleet-backtest-{self.run_id}{self.part}"

    def describe(self) -> dict[str, str]:
        """For `run.json`."""
        return {"topic": self.topic, "run_id": self.run_id}

    def of_part(self, part: str) -> "Publishing":
        """For one slice of the run."""
        return replace(self, part=part)


class RunPublisher:
    """Publishes one run's results in their order.

    Args:
        publishing: where to.
        done: how many results the run has made before, published or not.

    Raises:
        ReplayError: the topic cannot take them.
        RetryableError: the brokers did not answer.
    """

    def __init__(self, publishing: Publishing, *, done: int) -> None:
        self._to = publishing
        self._made = done
        config = replace(
            publishing.config, group_id=publishing.group, delivery=Delivery.EXACTLY_ONCE
        )
        self._timeout_s = config.client_timeout_s
        self._codec = ResultCodec(framing_by_topic(config)(publishing.topic))
        self._failures: list[KafkaError] = []
        self._reader = Consumer(reader_settings(config))
        try:
            self._partitions = self._count_partitions()
            settings = producer_settings(config, self._on_error)
            self._producer = Producer({**settings, "transactional.id": publishing.group})
            self._producer.init_transactions(self._timeout_s)
            [committed] = self._reader.committed([self._progress(0)], self._timeout_s)
        except KafkaException as error:
            self._reader.close()
            raise RetryableError(f"{publishing.topic} cannot be written to: {error}") from error
        except ReplayError:
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

    def publish(self, results: ResultColumns) -> None:
        """Make results visible, but for those that are already. Blocks.

        Raises:
            ReplayError: a result is of a partition that the topic does not have.
            RetryableError: the brokers did not take them.
        """
        count, made = len(results.asset_id), self._made
        fresh = range(max(self._published - made, 0), count)
        values = self._codec.encode_batch(results)
        for first in range(fresh.start, count, _BATCH):
            self._commit(results, values, range(first, min(first + _BATCH, count)))
        self._made += count

    def close(self) -> None:
        """Leave the brokers."""
        self._reader.close()
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def _commit(self, results: ResultColumns, values: list[bytes], which: range) -> None:
        partitions = results.source_partition
        if self._to.same_partition and int(np.max(partitions)) >= self._partitions:
            raise ReplayError(
                f"{self._to.topic} has {self._partitions} partitions, the ticks "
                f"{int(np.max(partitions)) + 1} at least: create it with as many as the ticks have"
            )
        headers: list[tuple[str, str | bytes | None]] = [(RUN_ID_HEADER, self._to.run_id)]
        try:
            self._producer.begin_transaction()
            for i in which:
                self._producer.produce(
                    self._to.topic,
                    values[i],
                    results.asset_id[i],
                    partition=int(partitions[i]) if self._to.same_partition else _ANY_PARTITION,
                    headers=headers,
                    on_delivery=self._on_delivery,
                )
            self._producer.send_offsets_to_transaction(
                [self._progress(self._made + which.stop)],
                self._reader.consumer_group_metadata(),
                self._timeout_s,
            )
            self._producer.commit_transaction(self._timeout_s)
        except (KafkaException, BufferError) as error:
            raise RetryableError(
                f"{self._to.topic}: results could not be published ({error}): go on with --resume"
            ) from error
        if self._failures:
            raise RetryableError(
                f"{self._to.topic}: {self._failures[0].str()}: go on with --resume"
            )
        self._published = self._made + which.stop

    def _progress(self, count: int) -> TopicPartition:
        return TopicPartition(self._to.topic, 0, count)

    def _count_partitions(self) -> int:
        found = self._reader.list_topics(self._to.topic, self._timeout_s).topics[self._to.topic]
        if found.error is not None or not found.partitions:
            raise ReplayError(
                f"no topic {self._to.topic}: create it first, with as many partitions as the ticks "
                "have"
            )
        return len(found.partitions)

    def _on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failures.append(error)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failures.append(error)
