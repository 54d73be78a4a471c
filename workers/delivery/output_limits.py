"""How much the output topics take at once: asked whenever outputs restart, for it can be changed.

Where the brokers do not tell, what was known before holds, else Kafka's default. Invariant: no
letter is cut and no batch made smaller for a topic that takes nothing of ours: it must be mended.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource

from workers.brokers.client_config import producer_settings
from workers.config import WorkerConfig
from workers.emission.burial import LETTER_LIMIT_BYTES
from workers.time_limit import time_limit

__all__ = ["FULL_BATCH_BYTES", "LEAST_LIMIT_BYTES", "OutputLimits"]

FULL_BATCH_BYTES: Final = 1_000_000
"""The client's default `batch.size`."""
LEAST_LIMIT_BYTES: Final = 8_192
"""A topic that takes less may not take a single flag event."""
_LIMIT: Final = "max.message.bytes"
_BATCH: Final = "batch.size"
_OVERHEAD_BYTES: Final = 4_096
"""Of a record in a batch of its own, and to spare."""
_log = structlog.get_logger()


class OutputLimits:
    """What the client may send at once, and how large a dead letter may be.

    Args:
        config: the topics, and the producer's own settings.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._topics = config.topics
        settings = producer_settings(config, lambda _error: None)
        self._producer_bytes = int(settings["message.max.bytes"])
        self._known: dict[str, int] = {}

    def ask(self, admin: AdminClient, timeout_s: float) -> None:
        """Ask the brokers; blocks up to the timeout, and no answer changes nothing."""
        left_s = time_limit(timeout_s)
        resources = [ConfigResource("topic", name) for name in self._topics.outputs()]
        answers = admin.describe_configs(resources, request_timeout=timeout_s)
        for resource, answer in answers.items():
            try:
                limit = int(answer.result(left_s())[_LIMIT].value)
            except (KafkaException, TimeoutError) as error:
                _log.info("output_limit_unknown", topic=resource.name, reason=str(error))
            else:
                self._learn(resource.name, limit)

    def _learn(self, topic: str, limit_bytes: int) -> None:
        if limit_bytes < FULL_BATCH_BYTES and limit_bytes != self._known.get(topic):
            _log.warning("output_limit_low", topic=topic, max_message_bytes=limit_bytes)
        if limit_bytes >= LEAST_LIMIT_BYTES:
            self._known[topic] = limit_bytes

    def letter_bytes(self) -> int:
        """How large a dead letter may be, its key included."""
        topic = self._known.get(self._topics.dead_letters, LETTER_LIMIT_BYTES + _OVERHEAD_BYTES)
        return min(self._producer_bytes, topic) - _OVERHEAD_BYTES

    def fit(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A producer's settings whose batches each of the topics takes.

        The client fills a batch for whichever topic up to one size, and never divides one that is
        refused.
        """
        wanted = int(settings.get(_BATCH, FULL_BATCH_BYTES))
        return {**settings, _BATCH: min([wanted, *self._known.values()])}
