"""A run's tables, batch by batch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pyarrow import parquet

__all__ = ["read_batches"]

_ROWS: Final = 131_072


def read_batches(run: Path, table: str, columns: Sequence[str]) -> Iterator[Any]:
    """`pyarrow.RecordBatch`es of some columns, in the order in which they were written."""
    for part in sorted((run / table).glob("part-*.parquet")):
        # Part by part and without reading ahead: a dataset's scanner holds whole parts.
        with parquet.ParquetFile(part) as file:
            yield from file.iter_batches(_ROWS, columns=list(columns))
