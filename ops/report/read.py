"""A run's tables, batch by batch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pyarrow import dataset

__all__ = ["read_batches"]

_ROWS: Final = 131_072


def read_batches(run: Path, table: str, columns: Sequence[str]) -> Iterator[Any]:
    """`pyarrow.RecordBatch`es of some columns, in the order in which they were written."""
    folder = run / table
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        return
    whole = dataset.dataset([str(part) for part in parts], format="parquet")
    yield from whole.to_batches(columns=list(columns), batch_size=_ROWS, batch_readahead=1)
