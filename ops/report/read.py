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
        # Group by group: readers of more hold what they have read, or read ahead.
        with parquet.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                yield from file.iter_batches(_ROWS, row_groups=[group], columns=list(columns))
