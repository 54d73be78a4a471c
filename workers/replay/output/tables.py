"""Results, flag events and refused records as Arrow tables. Names and units are the contract's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pyarrow as pa

from core import RESULT_FLAGS, Mode, Output
from schemas import FlagEvent
from workers.batching.keys import CodedKeys
from workers.replay.arrays import bits, numbers, texts
from workers.replay.chunk import Refused
from workers.replay.engine import Stepped

__all__ = [
    "FLAGS_SCHEMA",
    "REFUSED_SCHEMA",
    "RESULTS_SCHEMA",
    "flag_batch",
    "refused_table",
    "result_batch",
]

_NUMBERS: Final = tuple(row for row in Output if row < Output.FLAGS)
_SMALL: Final = (Output.SIGNATURE_DEPTH, Output.KERNEL_MASK)
_MODES: Final[Any] = texts([mode.name.capitalize().encode() for mode in Mode])

RESULTS_SCHEMA: Final[Any] = pa.schema(
    [
        ("asset_id", pa.string()),
        ("timestamp_ns", pa.int64()),
        ("price", pa.float64()),
        ("target", pa.float64()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
        ("sequence", pa.int64()),
        ("processing_time_ns", pa.int64()),
        *((row.name.lower(), pa.float64()) for row in _NUMBERS),
        *((name, pa.bool_()) for name in RESULT_FLAGS),
        ("mode", pa.dictionary(pa.int8(), pa.string())),
        *((row.name.lower(), pa.int8()) for row in _SMALL),
    ]
)
FLAGS_SCHEMA: Final[Any] = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "type", "state", "severity")),
        ("source_topic", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
        ("asset_id", pa.string()),
        ("timestamp_ns", pa.int64()),
        ("processing_time_ns", pa.int64()),
        ("values", pa.map_(pa.string(), pa.float64())),
    ]
)
REFUSED_SCHEMA: Final[Any] = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("error_class", pa.string()),
        ("message", pa.string()),
    ]
)


def result_batch(stepped: Stepped) -> Any:
    """A `pyarrow.RecordBatch` of `RESULTS_SCHEMA`, one row a result."""
    results = stepped.results
    outputs = np.ascontiguousarray(results.outputs.T)
    raised = outputs[Output.FLAGS].astype(np.int64)
    columns = [
        _names(results.asset_id),
        numbers(results.timestamp_ns),
        numbers(stepped.price),
        numbers(stepped.target),
        numbers(results.source_partition),
        numbers(results.source_offset),
        numbers(results.sequence),
        numbers(results.processing_time_ns),
        *(numbers(outputs[row]) for row in _NUMBERS),
        *(bits((raised & flag.value) != 0) for flag in RESULT_FLAGS.values()),
        pa.DictionaryArray.from_arrays(numbers(outputs[Output.MODE].astype(np.int8)), _MODES),
        *(numbers(outputs[row].astype(np.int8)) for row in _SMALL),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RESULTS_SCHEMA)


def _names(asset_id: Sequence[bytes]) -> Any:
    if isinstance(asset_id, CodedKeys):
        return texts([key or b"" for key in asset_id.names]).take(numbers(asset_id.codes))
    return texts(asset_id)


def flag_batch(events: Sequence[FlagEvent]) -> Any:
    """A `pyarrow.RecordBatch` of `FLAGS_SCHEMA`, one row an event."""

    def text(name: str) -> Any:
        return texts([getattr(event, name).encode() for event in events])

    def integers(name: str, dtype: Any) -> Any:
        return numbers(np.array([getattr(event, name) for event in events], dtype))

    columns = {
        name: text(name)
        for name in ("event_id", "type", "state", "severity", "source_topic", "asset_id")
    }
    columns["source_partition"] = integers("source_partition", np.int32)
    for name in ("source_offset", "timestamp_ns", "processing_time_ns"):
        columns[name] = integers(name, np.int64)
    columns["values"] = _maps([event.values for event in events])
    return pa.RecordBatch.from_arrays(
        [columns[name] for name in FLAGS_SCHEMA.names], schema=FLAGS_SCHEMA
    )


def _maps(values: Sequence[Mapping[str, float]]) -> Any:
    """Texts to numbers, a map each."""
    end = np.cumsum([0, *map(len, values)], dtype=np.int32)
    keys = texts([key.encode() for one in values for key in one])
    items = np.array([item for one in values for item in one.values()], np.float64)
    return pa.MapArray.from_arrays(numbers(end), keys, numbers(items))


def refused_table(refused: Sequence[Refused]) -> Any:
    """A `pyarrow.Table` of `REFUSED_SCHEMA`, one row a record."""
    return pa.Table.from_pylist([asdict(one) for one in refused], schema=REFUSED_SCHEMA)
