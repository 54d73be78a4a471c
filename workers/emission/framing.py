"""Which schema framing a topic's records have: registry ids, or Avro single-object encoding."""

from collections.abc import Callable
from typing import Any

from schemas import ConfluentFraming, Framing, SingleObjectFraming, registry_client
from schemas.contracts import Contract
from workers.config import WorkerConfig

__all__ = ["AttendedFraming", "framing_by_topic"]


def framing_by_topic(config: WorkerConfig) -> Callable[[str], Framing]:
    """A framing for each topic; one registry client serves them all."""
    if config.schema_registry_url is None:
        single_object = SingleObjectFraming()
        return lambda _topic: single_object
    client = registry_client(config.schema_registry_url, config.schema_registry)
    return lambda topic: ConfluentFraming(client, topic)


class AttendedFraming:
    """A framing that tells when it asks: garbage can name an id of its own in every record.

    Args:
        framing: what is asked.
        asking: called before each question; a registry answers it, or fails, within its time limit.
    """

    def __init__(self, framing: Framing, asking: Callable[[], None]) -> None:
        self._framing = framing
        self._asking = asking

    @property
    def header_size(self) -> int:
        """As the framing."""
        return self._framing.header_size

    def header(self, ours: Contract) -> bytes:
        """As the framing."""
        self._asking()
        return self._framing.header(ours)

    def writer_schema(self, header: bytes) -> Any:
        """As the framing."""
        self._asking()
        return self._framing.writer_schema(header)
