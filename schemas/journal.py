"""Codec of the `JournalRecord` contract: the decisions of one micro-batch of one partition."""

from dataclasses import asdict, dataclass, replace
from typing import Final, Self

from schemas.contracts import contract
from schemas.framing import Framing
from schemas.record_codec import RecordCodec

__all__ = ["EVENT_TIME", "MOST_REJECTED", "JournalCodec", "JournalRecord"]

EVENT_TIME = -1
"""`processing_time_ns` of a micro-batch whose ticks were judged at their own timestamps."""

MOST_REJECTED: Final = 800
"""By one journal record: at up to five bytes each, 4 kB, which the least of topics still takes. A
range with more has several records, each but the first of which begins with a rejected one."""


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
        rejected: the records that were no ticks, as offsets less `from_offset`, ascending; None
            where the journal does not say.
        dtype: of the state that answered; None where the journal does not say.
        group: consumer group of that worker; None where the journal does not say.
        source_topic: the ticks topic whose offsets these are; None where the journal does not say.
    """

    from_offset: int
    to_offset: int
    processing_time_ns: int
    depth: int
    kernel_mask: int
    config_fingerprint: str
    worker: str
    rejected: tuple[int, ...] | None = None
    dtype: str | None = None
    group: str | None = None
    source_topic: str | None = None

    def since(self, offset: int) -> Self:
        """What it says of its range from an offset on."""
        passed, rejected = offset - self.from_offset, self.rejected
        if rejected is not None:
            rejected = tuple(one - passed for one in rejected if one >= passed)
        return replace(self, from_offset=offset, rejected=rejected)


class JournalCodec:
    """Reads and writes framed journal records."""

    def __init__(self, framing: Framing) -> None:
        self._records = RecordCodec(framing, contract("JournalRecord"))

    def encode(self, record: JournalRecord) -> bytes:
        """Encode; raises EncodingError."""
        rejected = record.rejected
        # A list: in a union a tuple is fastavro's way to name the branch.
        plain = {"rejected": None if rejected is None else list(rejected)}
        return self._records.encode(asdict(record) | plain)

    def decode(self, data: bytes) -> JournalRecord:
        """Decode; raises UndecodableError, and with a registry what its framing raises."""
        fields = self._records.decode(data)
        rejected = fields.pop("rejected")
        return JournalRecord(**fields, rejected=None if rejected is None else tuple(rejected))
