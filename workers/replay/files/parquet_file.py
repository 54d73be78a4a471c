"""Parquet files as record batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from workers.replay.errors import BadTicksError
from workers.replay.files.arrow_ticks import require_columns
from workers.replay.files.layout import Layout

__all__ = ["ParquetFile"]

_BATCH_ROWS: Final = 65_536
_MAGIC: Final = b"PAR1"


class ParquetFile:
    """One file.

    Args:
        path: the file.
        layout: its columns.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._done, self._total = 0, 1

    @property
    def share(self) -> float:
        """How many of the rows have been read."""
        return self._done / self._total

    def batches(self) -> Iterator[Any]:
        """Its columns of interest, from the first row on.

        Raises:
            BadTicksError: the file cannot be used.
        """
        self._done = 0
        try:
            # A relative name with a colon would be taken for a URI; and a reader that buffers
            # ahead keeps all that it has read until it is closed.
            with parquet.ParquetFile(
                self._path.absolute(), page_checksum_verification=True, pre_buffer=False
            ) as file:
                names = file.schema_arrow.names
                require_columns(str(self._path), names, self._layout)
                self._total = max(file.metadata.num_rows, 1)
                columns = self._layout.read_from(names)
                for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                    yield batch
                    self._done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise BadTicksError(self._why(error)) from error

    def _why(self, error: Exception) -> str:
        with self._path.open("rb") as file:
            begins_well = file.read(len(_MAGIC)) == _MAGIC
        if self._done or (begins_well and "magic bytes" not in str(error)):
            return (
                f"{self._path}: row {self._done + 1}: the data behind it is damaged ({error}): "
                "copy the file again and compare checksums"
            )
        if begins_well:
            return f"{self._path} is cut short: its end is missing. Copy or write it again"
        return f"{self._path} is no Parquet file ({error}): write it as Parquet, or name it .csv"
