"""Results, flag events and refused records as Arrow tables. Names and units are the contract's."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pyarrow as pa

from core import RESULT_FLAGS, Mode, Output
from schemas import FlagEvent
from workers.replay.chunk import Refused
from workers.replay.engine import Stepped

__all__ = [
    "FLAGS_SCHEMA",
    "REFUSED_SCHEMA",
    "RESULTS_SCHEMA",
    "flag_table",
    "refused_table",
    "result_batch",
]

_NUMBERS: Final = tuple(row for row in Output if row < Output.FLAGS)
_SMALL: Final = (Output.SIGNATURE_DEPTH, Output.KERNEL_MASK)
_MODES: Final = [mode.name.capitalize() for mode in Mode]

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
    results, outputs = stepped.results, stepped.results.outputs
    bits = outputs[:, Output.FLAGS].astype(np.int64)
    columns = [
        pa.array(results.asset_id, pa.binary()).cast(pa.string()),
        results.timestamp_ns,
        stepped.price,
        stepped.target,
        results.source_partition,
        results.source_offset,
        results.sequence,
        results.processing_time_ns,
        *(outputs[:, row] for row in _NUMBERS),
        *((bits & flag.value) != 0 for flag in RESULT_FLAGS.values()),
        pa.DictionaryArray.from_arrays(outputs[:, Output.MODE].astype(np.int8), pa.array(_MODES)),
        *(outputs[:, row].astype(np.int8) for row in _SMALL),
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(np.ascontiguousarray(column))
        for column in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULTS_SCHEMA)


def flag_table(events: Sequence[FlagEvent]) -> Any:
    """A `pyarrow.Table` of `FLAGS_SCHEMA`, one row an event."""
    rows = [
        {name: getattr(event, name) for name in FLAGS_SCHEMA.names if name != "values"}
        | {"values": list(event.values.items())}
        for event in events
    ]
    return pa.Table.from_pylist(rows, schema=FLAGS_SCHEMA)


def refused_table(refused: Sequence[Refused]) -> Any:
    """A `pyarrow.Table` of `REFUSED_SCHEMA`, one row a record."""
    return pa.Table.from_pylist([asdict(one) for one in refused], schema=REFUSED_SCHEMA)
