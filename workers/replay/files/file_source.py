"""Ticks from Parquet, CSV and Avro files, read piece by piece."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from workers.replay.chunk import TickChunk
from workers.replay.errors import BadTicksError
from workers.replay.files.avro_file import AvroFile
from workers.replay.files.csv_file import COMPRESSIONS, CsvFile
from workers.replay.files.layout import Layout
from workers.replay.files.names import check_name
from workers.replay.files.parquet_file import ParquetFile
from workers.replay.files.row_checks import RowChecks
from workers.replay.files.table_source import layout_digest, tick_chunks

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


@dataclass(frozen=True, slots=True)
class _Found:
    """What tells a file from one that was written since."""

    bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns)


class FileSource:
    """One file; its kind is told by its suffix: .csv (or .csv.gz, .bz2, .zst), .parquet or .avro.

    It is the file of the moment when this was made, in whichever process it is read.

    Args:
        path: the file.
        layout: its columns.

    Raises:
        BadTicksError: there is no such file, it is empty, or its kind is unknown.
        ReplayError: no file can have that name.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        check_name(path)
        if not path.is_file():
            raise BadTicksError(f"{path} is no file: check the path")
        self._found = _Found.of(path)
        if not self._found.bytes:
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
        return {
            "kind": "file",
            "path": str(self._path),
            **asdict(self._found),
            "layout": layout_digest(self._layout),
        }

    def chunks(
        self,
        after: Mapping[int, int],
        reached_ns: Mapping[int, int] | None = None,  # noqa: ARG002
    ) -> Generator[TickChunk]:
        """The ticks in the order of the rows, checked; rows are offsets of partition 0.

        Raises:
            BadTicksError: the file cannot be used, or is changed meanwhile.
        """
        name, checks = str(self._path), RowChecks(str(self._path), self._layout)
        self._check_unchanged()
        try:
            for chunk in tick_chunks(name, self._file.batches(), self._layout, checks, after):
                self._check_unchanged()
                yield chunk
        except BadTicksError:
            # What is wrong with the row may be that half of it was written.
            self._check_unchanged()
            raise
        self._check_unchanged()
        self.warnings = checks.warnings()

    def _check_unchanged(self) -> None:
        with suppress(OSError):
            if _Found.of(self._path) == self._found:
                return
        raise BadTicksError(
            f"{self._path} was changed while it was read, so that some rows are of before and some "
            "of after: remove what the run has left, and read a copy that nobody writes to"
        )
