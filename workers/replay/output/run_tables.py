"""The tables of a run: results, flag events, refused records."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray
from pyarrow import parquet

from schemas import FlagEvent
from workers.replay.arrays import numbers
from workers.replay.chunk import TickChunk
from workers.replay.engine import Stepped
from workers.replay.output.parts import ArrowParts, ParquetParts, PartWriter
from workers.replay.output.tables import (
    FLAGS_SCHEMA,
    REFUSED_SCHEMA,
    RESULTS_SCHEMA,
    flag_batch,
    refused_table,
    result_batch,
)

__all__ = ["PLACE", "SCHEMAS", "RunTables", "complete_tables", "open_tables", "table_rows"]

SCHEMAS: Final[Mapping[str, Any]] = {
    "results": RESULTS_SCHEMA,
    "flags": FLAGS_SCHEMA,
    "refused": REFUSED_SCHEMA,
}
PLACE: Final = "place"
"""Column of a slice's tables: where the row stands in the order of the whole run."""
_PLACE: Final[Any] = pa.field(PLACE, pa.int64())


class RunTables:
    """Takes what a run makes, chunk by chunk.

    Args:
        folder: of the run.
        parts: per table how many parts a checkpoint knows of; others are removed.
        placed: whether each row's place is kept: of a slice.
    """

    def __init__(self, folder: Path, parts: Mapping[str, int], *, placed: bool) -> None:
        self._placed = placed
        self._writers = open_tables(folder, parts, placed=placed)

    @property
    def parts(self) -> dict[str, int]:
        """Per table how many parts are finished."""
        return {name: writer.parts for name, writer in self._writers.items()}

    def write(
        self,
        chunk: TickChunk,
        stepped: Stepped,
        events: Sequence[FlagEvent],
        places: Int64[ndarray, " n"],
    ) -> None:
        """Append what came of a chunk, whose records have these places."""
        self._write("results", result_batch(stepped), lambda: places[stepped.index])
        if events:
            at = [(event.source_partition, event.source_offset) for event in events]
            self._write("flags", flag_batch(events), lambda: _places_at(chunk, places, at))
        if chunk.refused:
            rows = refused_table(chunk.refused)
            refused = [(one.partition, one.offset) for one in chunk.refused]
            self._write("refused", rows, lambda: _places_at(chunk, places, refused))

    def close_parts(self) -> None:
        """Finish the parts under way, that of the results last: where it is, the others are."""
        for writer in reversed(self._writers.values()):
            writer.close_part()

    def abandon(self) -> None:
        """Let the parts under way go."""
        for writer in self._writers.values():
            writer.abandon()

    def _write(self, name: str, rows: Any, places: Callable[[], Int64[ndarray, " n"]]) -> None:
        if self._placed:
            rows = type(rows).from_arrays(
                [*rows.columns, numbers(places())], schema=rows.schema.append(_PLACE)
            )
        self._writers[name].write(rows)


def open_tables(
    folder: Path, parts: Mapping[str, int], *, placed: bool = False
) -> dict[str, PartWriter]:
    """The tables of a run, by name, as far as a checkpoint knows of their parts."""
    writers: dict[str, PartWriter] = {
        name: ArrowParts(folder / name, schema.append(_PLACE))
        if placed
        else ParquetParts(folder / name, schema)
        for name, schema in SCHEMAS.items()
    }
    for name, writer in writers.items():
        writer.keep_only(parts.get(name, 0))
    return writers


def table_rows(folder: Path) -> dict[str, int]:
    """How many rows each table of a run has."""
    return {
        name: sum(
            parquet.read_metadata(part).num_rows
            for part in (folder / name).glob(f"*{ParquetParts.suffix}")
        )
        for name in SCHEMAS
    }


def complete_tables(folder: Path) -> None:
    """Give a run's tables that have no rows a part without any: each table can be read."""
    for name, schema in SCHEMAS.items():
        table = folder / name
        if not any(table.glob(f"*{ParquetParts.suffix}")):
            table.mkdir(exist_ok=True)
            # A table of no rows would import pandas, which takes a second.
            parquet.ParquetWriter(table / f"part-00000{ParquetParts.suffix}", schema).close()


def _places_at(
    chunk: TickChunk, places: Int64[ndarray, " n"], at: Sequence[tuple[int, int]]
) -> Int64[ndarray, " m"]:
    """The places of some of a chunk's records, named by partition and offset."""
    here = np.flatnonzero(np.isin(chunk.offset, [offset for _, offset in at]))
    keys = zip(chunk.partition[here].tolist(), chunk.offset[here].tolist(), strict=True)
    place_of = dict(zip(keys, places[here].tolist(), strict=True))
    return np.array([place_of[one] for one in at], dtype=np.int64)
