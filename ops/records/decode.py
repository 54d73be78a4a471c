"""Any record of a topic as a dictionary, by the schema its own header names."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from confluent_kafka import Message
from fastavro import schemaless_reader

from core.errors import TickFleetError
from schemas import Framing

__all__ = ["Record", "RecordReader"]


@dataclass(frozen=True, slots=True)
class Record:
    """One decoded record. `kind` is its schema's name; None with `problem` set when undecodable."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None
    kind: str | None
    value: dict[str, Any] | None
    problem: str | None = None


class RecordReader:
    """Decodes with the writer's schema alone: fields that our version lacks are shown too."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._schemas: dict[bytes, Any] = {}

    def read(self, message: Message) -> Record:
        """Decode one message; bytes that are no record come back with the reason."""
        data, key = message.value(), message.key()
        kind, value, problem = None, None, None
        if data is None:
            problem = "tombstone: no value"
        else:
            try:
                kind, value = self._decode(bytes(data))
            except TickFleetError as error:
                problem = str(error)
            except Exception as error:  # whatever damaged bytes provoke in the decoder
                problem = f"{type(error).__name__}: {error}"
        return Record(
            topic=str(message.topic()),
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            timestamp_ms=message.timestamp()[1],
            key=None if key is None else bytes(key).decode("utf-8", "backslashreplace"),
            kind=kind,
            value=value,
            problem=problem,
        )

    def _decode(self, data: bytes) -> tuple[str, dict[str, Any]]:
        size = self._framing.header_size
        header = data[:size]
        if header not in self._schemas:
            if len(header) < size:
                raise ValueError(f"{len(data)} bytes are too few for a schema header")
            self._schemas[header] = self._framing.writer_schema(header)
        schema = self._schemas[header]
        value = schemaless_reader(BytesIO(data[size:]), schema, None)
        if not isinstance(value, dict):
            raise TypeError(f"the schema is a {type(value).__name__}, not a record")
        return str(schema["name"]).rpartition(".")[2], value
