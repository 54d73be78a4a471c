"""Codec of the `JournalRecord` contract: the decisions of one micro-batch of one partition."""

from dataclasses import asdict, dataclass

from schemas.contracts import contract
from schemas.framing import Framing
from schemas.record_codec import RecordCodec

__all__ = ["EVENT_TIME", "JournalCodec", "JournalRecord"]

EVENT_TIME = -1
"""`processing_time_ns` of a micro-batch whose ticks were judged at their own timestamps."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """What recovery needs to repeat a micro-batch bit for bit.

    Attributes:
        from_offset: first input offset, rejected records included.
        to_offset: last input offset, inclusive, rejected records included.
        processing_time_ns: clock reading for the ages of the ticks, or `EVENT_TIME`.
        depth: signature depth.
        kernel_mask: sum of `core.Kernel` values.
        config_fingerprint: of the predictor configuration, 16 hexadecimal characters.
        worker: identity of the worker that decided.
    """

    from_offset: int
    to_offset: int
    processing_time_ns: int
    depth: int
    kernel_mask: int
    config_fingerprint: str
    worker: str


class JournalCodec:
    """Reads and writes framed journal records."""

    def __init__(self, framing: Framing) -> None:
        self._records = RecordCodec(framing, contract("JournalRecord"))

    def encode(self, record: JournalRecord) -> bytes:
        """Encode; raises EncodingError."""
        return self._records.encode(asdict(record))

    def decode(self, data: bytes) -> JournalRecord:
        """Decode; raises UndecodableError, and with a registry what its framing raises."""
        return JournalRecord(**self._records.decode(data))
