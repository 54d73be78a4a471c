"""Counts the flag events that come in, by type."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from core.errors import TickFleetError
from schemas import FlagEventCodec, FlagState
from workers.brokers.client_config import reader_settings
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic

__all__ = ["FlagCounter"]

_BATCH: Final = 10_000


class FlagCounter:
    """Reads the flags topic from its end on.

    Args:
        config: names the cluster and the topic.
        partitions: how many the flags topic has.
    """

    def __init__(self, config: WorkerConfig, partitions: int) -> None:
        topic = config.topics.flags
        self._codec = FlagEventCodec(framing_by_topic(config)(topic))
        self._counts: Counter[str] = Counter()
        self._consumer = Consumer({**reader_settings(config), "auto.offset.reset": "latest"})
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_END) for number in range(partitions)]
        )

    def take(self) -> Mapping[str, int]:
        """Counts since the start, of what has come by now. Does not wait."""
        for message in self._consumer.consume(_BATCH, 0.05):
            if message.error() is None:
                try:
                    event = self._codec.decode(message.value() or b"")
                except TickFleetError:
                    continue
                if event.state is not FlagState.CLEARED:
                    self._counts[event.type] += 1
        return self._counts

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()
