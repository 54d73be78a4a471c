"""A run's tables, batch by batch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pyarrow import parquet

from workers.replay import ReplayError, read_run

__all__ = ["read_batches"]

_ROWS: Final = 131_072


def read_batches(run: Path, table: str, columns: Sequence[str]) -> Iterator[Any]:
    """`pyarrow.RecordBatch`es of some columns, in the order in which they were written.

    Raises:
        ReplayError: there is no finished run, or at the end: rows of it are missing.
    """
    expected, rows = read_run(run)["counts"][table], 0
    for part in sorted((run / table).glob("part-*.parquet")):
        # Group by group: readers of more hold what they have read, or read ahead.
        with parquet.ParquetFile(part.absolute()) as file:  # a name with a colon is no URI
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(_ROWS, row_groups=[group], columns=list(columns)):
                    rows += batch.num_rows
                    yield batch
    if rows != expected:
        raise ReplayError(
            f"{run / table} has {rows:,} rows of {expected:,}: parts of it are missing: copy the "
            "run again, or make it anew"
        )
