"""What a Kafka record is beside its key and its value, as columns of an exported file.

They come back into a topic with the ticks: `tickfleet export`, then `tickfleet produce`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import fastavro
import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message
from jaxtyping import Int64
from numpy import ndarray
from pyarrow import parquet

from workers.replay.chunk import TickChunk
from workers.replay.errors import BadTicksError

__all__ = ["AVRO_FIELDS", "RECORD_FIELDS", "Headers", "RecordColumns", "record_arrays"]

Headers: TypeAlias = list[tuple[str, str | bytes | None]]

_HEADER: Final[Any] = pa.struct([("key", pa.string()), ("value", pa.binary())])
RECORD_FIELDS: Final[Any] = [
    pa.field("record_time_ms", pa.int64()),
    pa.field("record_partition", pa.int32()),
    pa.field("record_offset", pa.int64()),
    pa.field("record_headers", pa.list_(_HEADER)),
]
AVRO_FIELDS: Final[list[dict[str, Any]]] = [
    {"name": "record_time_ms", "type": ["null", "long"]},
    {"name": "record_partition", "type": "int"},
    {"name": "record_offset", "type": "long"},
    {
        "name": "record_headers",
        "type": {
            "type": "array",
            "items": {
                "type": "record",
                "name": "RecordHeader",
                "fields": [
                    {"name": "key", "type": "string"},
                    {"name": "value", "type": ["null", "bytes"]},
                ],
            },
        },
    },
]
_NEEDED: Final = ["record_time_ms", "record_partition", "record_headers"]
_NO_TIME: Final = 0


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Of n records.

    Attributes:
        time_ms: Kafka timestamps, milliseconds since the Unix epoch; 0 where there is none.
        partition: of each.
        headers: of each, in order.
    """

    time_ms: Int64[ndarray, " n"]
    partition: Int64[ndarray, " n"]
    headers: Sequence[Headers]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Those of a file that `export_ticks` has written; None where it has none.

        Raises:
            BadTicksError: the columns are of other types.
        """
        table = _READERS.get(path.suffix.lower(), lambda _path: None)(path)
        if table is None:
            return None
        try:
            time_ms = table["record_time_ms"].cast(pa.int64()).fill_null(_NO_TIME)
            partition = table["record_partition"].cast(pa.int64())
            headers = table["record_headers"].cast(pa.list_(_HEADER)).to_pylist()
            return cls(
                time_ms.to_numpy(),
                partition.to_numpy(),
                [[(one["key"], one["value"]) for one in row or ()] for row in headers],
            )
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise BadTicksError(
                f"{path}: its columns record_* are not those of `tickfleet export` ({error}): "
                "rename them, or say --records new"
            ) from error

    def take(self, index: Int64[ndarray, " m"]) -> Self:
        """The records at some positions, in that order."""
        headers = [self.headers[i] for i in index.tolist()]
        return type(self)(self.time_ms[index], self.partition[index], headers)


def record_arrays(chunk: TickChunk, index: Int64[ndarray, " m"]) -> list[Any]:
    """Arrow arrays of `RECORD_FIELDS` of the records at some positions."""
    messages = [chunk.messages[i] for i in index.tolist()]
    columns = (
        [_time_ms(message) for message in messages],
        chunk.partition[index],
        chunk.offset[index],
        [_headers(message) for message in messages],
    )
    return [pa.array(c, field.type) for c, field in zip(columns, RECORD_FIELDS, strict=True)]


def _time_ms(message: Message) -> int | None:
    kind, time_ms = message.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE else time_ms


def _headers(message: Message) -> list[dict[str, Any]]:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [{"key": key, "value": value} for key, value in pairs]


def _of_parquet(path: Path) -> Any:
    with parquet.ParquetFile(path.absolute()) as file:  # a name with a colon is no URI
        there = set(_NEEDED) <= set(file.schema_arrow.names)
        return file.read(columns=_NEEDED) if there else None


def _of_avro(path: Path) -> Any:
    with path.open("rb") as file:
        rows = fastavro.reader(file)
        schema: Any = rows.writer_schema
        if not set(_NEEDED) <= {one["name"] for one in schema["fields"]}:
            return None
        kept = [{name: row[name] for name in _NEEDED} for row in rows]  # type: ignore[index,call-overload]
    return pa.Table.from_pylist(kept, pa.schema([f for f in RECORD_FIELDS if f.name in _NEEDED]))


_READERS: Final[dict[str, Any]] = {".parquet": _of_parquet, ".avro": _of_avro}
