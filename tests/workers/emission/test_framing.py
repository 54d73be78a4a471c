"""Who watches over the loop hears of each question to the registry, and of nothing else."""

import struct
from typing import Any

from schemas import SingleObjectFraming, TickCodec
from schemas.contracts import Contract, contract
from schemas.errors import ErrorClass, UndecodableError
from workers.emission.framing import AttendedFraming


class _Registry:
    """Knows one schema, under the id 7."""

    header_size = 5

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def header(self, ours: Contract) -> bytes:
        return struct.pack(">bi", 0, 7)

    def writer_schema(self, header: bytes) -> Any:
        self.asked.append(header)
        if header != struct.pack(">bi", 0, 7):
            raise UndecodableError(ErrorClass.UNKNOWN_SCHEMA, "unknown")
        known = SingleObjectFraming()
        return known.writer_schema(known.header(contract("Tick")))


def test_garbage_that_names_a_schema_a_record_is_a_question_a_record() -> None:
    registry, told = _Registry(), [0]

    def asking() -> None:
        told[0] += 1

    codec = TickCodec(AttendedFraming(registry, asking))
    good = codec.encode("A", 1.0, 1.0, 5)
    garbage = [struct.pack(">bi", 0, number) + b"x" for number in range(100, 150)]
    asked_before = told[0]
    values = [good, *garbage, good]
    ticks, rejections = codec.decode([b"A"] * len(values), values)
    assert (ticks.index.tolist(), len(rejections)) == ([0, 51], 50)
    assert len(registry.asked) >= 50
    assert told[0] - asked_before == len(registry.asked)
