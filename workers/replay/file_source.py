"""Ticks from Parquet and CSV files, read piece by piece."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv, parquet

from workers.replay.arrow_ticks import require_columns
from workers.replay.chunk import TickChunk
from workers.replay.errors import BadTicksError
from workers.replay.layout import OPTIONAL, REQUIRED, Layout
from workers.replay.order import OrderCheck
from workers.replay.table_source import layout_digest, tick_chunks

__all__ = ["FileSource"]

_BATCH_ROWS: Final = 65_536
_BLOCK_BYTES: Final = 4 << 20
_PARQUET_MAGIC: Final = b"PAR1"


class FileSource:
    """One file; its kind is told by its suffix: .csv, .csv.gz or .parquet.

    Args:
        path: the file.
        layout: its columns.

    Raises:
        BadTicksError: there is no such file, or its kind is unknown.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        if not path.is_file():
            raise BadTicksError(f"{path} is no file: check the path")
        if ".csv" not in path.suffixes and path.suffix != ".parquet":
            raise BadTicksError(f"{path}: name it .parquet, .csv or .csv.gz, after what it is")
        self.name = path.name
        self.warnings: list[str] = []
        self._path = path
        self._layout = layout
        self._read: Callable[[], float] = lambda: 0.0

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._read()

    def describe(self) -> dict[str, Any]:
        """Name, size and time of change stand for the content."""
        found = self._path.stat()
        return {
            "kind": "file",
            "path": str(self._path),
            "bytes": found.st_size,
            "modified_ns": found.st_mtime_ns,
            "layout": layout_digest(self._layout),
        }

    def chunks(self, after: Mapping[int, int]) -> Iterator[TickChunk]:
        """The ticks in the order of the rows, checked; rows are offsets of partition 0.

        Raises:
            BadTicksError: the file cannot be used.
        """
        check = OrderCheck(str(self._path), self._layout)
        batches = self._csv() if ".csv" in self._path.suffixes else self._parquet()
        yield from tick_chunks(str(self._path), batches, self._layout, check, after)
        self._read = lambda: 1.0
        if check.dropped:
            self.warnings.append(f"{check.dropped:,} repeated rows were dropped")

    def _parquet(self) -> Iterator[Any]:
        done = 0
        try:
            with parquet.ParquetFile(self._path, page_checksum_verification=True) as file:
                names = file.schema_arrow.names
                require_columns(str(self._path), names, self._layout)
                wanted = [self._layout.theirs(name) for name in (*REQUIRED, *OPTIONAL)]
                columns = [name for name in wanted if name in names]
                total = max(file.metadata.num_rows, 1)
                self._read = lambda: done / total
                for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                    yield batch
                    done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise BadTicksError(self._why_no_parquet(error, done)) from error

    def _why_no_parquet(self, error: Exception, rows: int) -> str:
        with self._path.open("rb") as file:
            begins_well = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
        if rows or (begins_well and "magic bytes" not in str(error)):
            return (
                f"{self._path}: row {rows + 1}: the data behind it is damaged ({error}): copy the "
                "file again and compare checksums"
            )
        if begins_well:
            return f"{self._path} is cut short: its end is missing. Copy or write it again"
        return f"{self._path} is no Parquet file ({error}): write it as Parquet, or name it .csv"

    def _csv(self) -> Iterator[Any]:
        layout = self._layout
        size = max(self._path.stat().st_size, 1)
        # Integer or timestamp: the reader finds out which.
        kinds = {"asset_id": pa.string(), "price": pa.float64(), "target": pa.float64()}
        convert = csv.ConvertOptions(
            column_types={layout.theirs(name): kind for name, kind in kinds.items()}
        )
        read = csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False)
        with self._path.open("rb") as raw:
            self._read = lambda: raw.tell() / size
            stream = pa.CompressedInputStream(raw, "gzip") if self._path.suffix == ".gz" else raw
            try:
                with csv.open_csv(stream, read_options=read, convert_options=convert) as reader:
                    require_columns(str(self._path), reader.schema.names, layout)
                    yield from reader
            except (pa.ArrowException, OSError, EOFError) as error:
                raise BadTicksError(
                    f"{self._path}: {error}. Correct the row (rows count from 1, the header's "
                    "line included)"
                ) from error
            finally:
                self._read = lambda: 0.0
