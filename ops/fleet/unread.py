"""Whether anything is to be read between two offsets, or only what transactions leave behind.

Behind the last record of a transactional producer there is always a marker, so that end offset
less position is never 0 there; only who reads can tell a marker from a record.
"""

import time
from collections.abc import Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, TopicPartition

from workers.brokers.client_config import reader_settings
from workers.config import WorkerConfig

__all__ = ["UnreadRecords", "without_records"]

_ONE_BATCH: Final = {"max.partition.fetch.bytes": 1, "queued.min.messages": 1}
"""A broker sends a partition's first batch whole, whatever its size."""


def without_records(config: WorkerConfig, topic: str, spans: Mapping[int, range]) -> set[int]:
    """The partitions whose span of offsets, up to their end, holds no committed record. Blocks.

    One that may not be read, is not heard of in time, or has a transaction open is not among them.
    """
    unheard = {number for number, span in spans.items() if span}
    empty: set[int] = set()
    if not unheard:
        return empty
    reader = Consumer({**reader_settings(config), **_ONE_BATCH})
    reader.assign([TopicPartition(topic, number, spans[number].start) for number in unheard])
    deadline_s = time.monotonic() + config.client_timeout_s
    while unheard and time.monotonic() < deadline_s:
        for message in reader.consume(len(unheard), 0.1):
            error, number = message.error(), message.partition()
            if number not in unheard:
                continue
            unheard.discard(number)
            reader.pause([TopicPartition(topic, number)])
            at_end = error is not None and error.code() == KafkaError._PARTITION_EOF
            if at_end and (message.offset() or 0) >= spans[number].stop:
                empty.add(number)
    reader.close()
    return empty


class UnreadRecords:
    """Counts them again and again, and reads only where a partition stands still.

    Args:
        config: names the cluster and the ticks topic.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._before: Mapping[int, range] = {}
        self._empty: dict[int, bool] = {}

    def count(self, spans: Mapping[int, range]) -> dict[int, int]:
        """Records in each partition's span up to its end: markers between them count, too; 0
        where there is nothing else."""
        self._empty = {
            number: empty
            for number, empty in self._empty.items()
            if self._before.get(number) == spans[number]
        }
        # At first as well: who looks only once wants to know.
        still = {
            number: span
            for number, span in spans.items()
            if number not in self._empty and self._before.get(number, span) == span
        }
        empty = without_records(self._config, self._config.topics.ticks, still)
        self._empty |= {number: number in empty for number in still}
        self._before = spans
        return {
            number: 0 if self._empty.get(number) else len(span) for number, span in spans.items()
        }
