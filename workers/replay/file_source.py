"""Ticks from Parquet, CSV and Avro files, read piece by piece."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from workers.replay.avro_file import AvroFile
from workers.replay.chunk import TickChunk
from workers.replay.csv_file import COMPRESSIONS, CsvFile
from workers.replay.errors import BadTicksError
from workers.replay.layout import Layout
from workers.replay.parquet_file import ParquetFile
from workers.replay.table_source import RowChecks, layout_digest, tick_chunks

__all__ = ["FileSource"]


class _TickFile(Protocol):
    """A kind of file.

    `share` is how much of it has been read, 0 to 1; `batches` yields its columns of interest as
    `pyarrow.RecordBatch`es, or raises `BadTicksError` naming file, row and remedy.
    """

    @property
    def share(self) -> float: ...

    def batches(self) -> Iterator[Any]: ...


def _open(path: Path, layout: Layout) -> _TickFile:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".csv"] or (suffixes[-2:-1] == [".csv"] and suffixes[-1] in COMPRESSIONS):
        return CsvFile(path, layout)
    if suffixes[-1:] == [".parquet"]:
        return ParquetFile(path, layout)
    if suffixes[-1:] == [".avro"]:
        return AvroFile(path, layout)
    compressed = ", ".join(f".csv{suffix}" for suffix in COMPRESSIONS)
    raise BadTicksError(f"{path}: name it .parquet, .csv, {compressed} or .avro, after what it is")


class FileSource:
    """One file; its kind is told by its suffix: .csv (or .csv.gz, .bz2, .zst), .parquet or .avro.

    Args:
        path: the file.
        layout: its columns.

    Raises:
        BadTicksError: there is no such file, it is empty, or its kind is unknown.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        if not path.is_file():
            raise BadTicksError(f"{path} is no file: check the path")
        if not path.stat().st_size:
            raise BadTicksError(f"{path} is empty, 0 bytes: copy or write it again")
        self.name = path.name
        self.warnings: list[str] = []
        self._path = path
        self._layout = layout
        self._file = _open(path, layout)

    @property
    def merged_by_time(self) -> bool:
        """The rows stand as they stand."""
        return False

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._file.share

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

    def chunks(
        self,
        after: Mapping[int, int],
        reached_ns: Mapping[int, int] | None = None,  # noqa: ARG002
    ) -> Generator[TickChunk]:
        """The ticks in the order of the rows, checked; rows are offsets of partition 0.

        Raises:
            BadTicksError: the file cannot be used.
        """
        name, checks = str(self._path), RowChecks(str(self._path), self._layout)
        yield from tick_chunks(name, self._file.batches(), self._layout, checks, after)
        self.warnings = checks.warnings()
