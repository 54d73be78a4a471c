"""Tables written piece by piece: `NAME/part-00000.parquet` and on; of slices `part-00000.arrow`.

A part is written under a temporary name and renamed when it is whole, so that every file with its
kind's suffix can be read.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Final

from pyarrow import ipc, parquet

__all__ = ["ArrowParts", "ParquetParts", "PartWriter"]

_GROUP_ROWS: Final = 131_072
_BATCH_ROWS: Final = 16_384
"""Of Arrow's files: whoever reads them holds a batch of each."""


class PartWriter(ABC):
    """Appends rows to one table.

    Args:
        folder: of this table; made when the first row comes.
        schema: of the rows.

    Attributes:
        suffix: of finished parts.
        parts: how many of them there are.
    """

    suffix: ClassVar[str]

    def __init__(self, folder: Path, schema: Any) -> None:
        self._folder = folder
        self._schema = schema
        self._writer: Any = None
        self.parts = 0

    @classmethod
    def name(cls, number: int) -> str:
        """Of a finished part."""
        return f"part-{number:05d}{cls.suffix}"

    def keep_only(self, parts: int) -> None:
        """Remove what was written after a checkpoint that knew of so many parts."""
        self.parts = parts
        for path in self._folder.glob("part-*"):
            if path.suffix != self.suffix or int(path.stem.removeprefix("part-")) >= parts:
                path.unlink()

    def write(self, rows: Any) -> None:
        """Append a `pyarrow.RecordBatch` or `Table`."""
        if not rows.num_rows:
            return
        if self._writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = self._opened(self._open_path())
        self._append(rows)

    def close_part(self) -> None:
        """Finish the part under way; the next row begins another one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._open_path().replace(self._folder / self.name(self.parts))
            self.parts += 1

    def abandon(self) -> None:
        """Let the part under way go."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._open_path().unlink()

    @abstractmethod
    def _opened(self, path: Path) -> Any:
        """A new file of this kind, with `close`."""

    @abstractmethod
    def _append(self, rows: Any) -> None:
        """Write rows into the part under way."""

    def _open_path(self) -> Path:
        return self._folder / f"part-{self.parts:05d}.unfinished"


class ParquetParts(PartWriter):
    """What is handed out."""

    suffix = ".parquet"

    def _opened(self, path: Path) -> Any:
        # Numbers that hardly repeat gain nothing from dictionaries.
        return parquet.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=self._of_use("asset_id") or False,
            write_statistics=self._of_use("timestamp_ns") or True,
        )

    def _append(self, rows: Any) -> None:
        self._writer.write(rows, _GROUP_ROWS)

    def _of_use(self, column: str) -> list[str]:
        return [column] if column in self._schema.names else []


class ArrowParts(PartWriter):
    """What is soon read again and removed: an eighth of the time, twice the room."""

    suffix = ".arrow"

    def _opened(self, path: Path) -> Any:
        return ipc.new_file(path, self._schema)

    def _append(self, rows: Any) -> None:
        for first in range(0, rows.num_rows, _BATCH_ROWS):
            self._writer.write(rows.slice(first, _BATCH_ROWS))
