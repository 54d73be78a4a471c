"""A message on its way to an output topic."""

from dataclasses import dataclass
from typing import Final

__all__ = ["OutMessage"]

_ANY_PARTITION: Final = -1  # librdkafka's RD_KAFKA_PARTITION_UA: the partitioner decides


@dataclass(frozen=True, slots=True)
class OutMessage:
    """One message that needs more than the batch call offers (headers, its own partition)."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int = _ANY_PARTITION
    headers: list[tuple[str, str | bytes | None]] | None = None
