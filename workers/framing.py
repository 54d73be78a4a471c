"""Which schema framing a topic's records have: registry ids, or Avro single-object encoding."""

from collections.abc import Callable

from schemas import ConfluentFraming, Framing, SingleObjectFraming, registry_client
from workers.config import WorkerConfig

__all__ = ["framing_by_topic"]


def framing_by_topic(config: WorkerConfig) -> Callable[[str], Framing]:
    """A framing for each topic; one registry client serves them all."""
    if config.schema_registry_url is None:
        single_object = SingleObjectFraming()
        return lambda _topic: single_object
    client = registry_client(config.schema_registry_url, config.schema_registry)
    return lambda topic: ConfluentFraming(client, topic)
