"""Codec of the `DeadLetter` contract: a record that could not be processed, and why."""

from dataclasses import asdict, dataclass

from schemas.contracts import contract
from schemas.framing import Framing
from schemas.record_codec import RecordCodec

__all__ = ["DeadLetter", "DeadLetterCodec"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The original record and the reason of its refusal.

    Attributes:
        source_topic, source_partition, source_offset: where the record is.
        key, value: its bytes; None where Kafka had null.
        headers: its headers in order, values None where Kafka had null.
        error_class: `ErrorClass` or another small stable name, for counting.
        message: what was wrong and what to do, for a person.
    """

    source_topic: str
    source_partition: int
    source_offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    error_class: str
    message: str


class DeadLetterCodec:
    """Reads and writes framed dead letters."""

    def __init__(self, framing: Framing) -> None:
        self._records = RecordCodec(framing, contract("DeadLetter"))

    def encode(self, letter: DeadLetter) -> bytes:
        """Encode; raises EncodingError."""
        headers = [{"key": key, "value": value} for key, value in letter.headers]
        return self._records.encode(asdict(letter) | {"headers": headers})

    def decode(self, data: bytes) -> DeadLetter:
        """Decode; raises UndecodableError, and with a registry what its framing raises."""
        record = self._records.decode(data)
        headers = tuple((header["key"], header["value"]) for header in record.pop("headers"))
        return DeadLetter(**record, headers=headers)
