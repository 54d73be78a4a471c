"""Tables written piece by piece: `NAME/part-00000.parquet` and on.

A part is written under a temporary name and renamed when it is whole, so that every file whose
name ends in .parquet can be read.
"""

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

__all__ = ["PartWriter"]

_GROUP_ROWS: Final = 131_072


class PartWriter:
    """Appends rows to one table.

    Args:
        folder: of this table; made when the first row comes.
        schema: of the rows.
        parts: how many parts there are already.
    """

    def __init__(self, folder: Path, schema: Any, *, parts: int = 0) -> None:
        self._folder = folder
        self._schema = schema
        self._writer: Any = None
        self.parts = parts
        self.rows = 0

    def keep_only(self, parts: int) -> None:
        """Remove what was written after a checkpoint that knew of so many parts."""
        self.parts = parts
        for path in self._folder.glob("part-*"):
            if path.suffix != ".parquet" or int(path.stem.removeprefix("part-")) >= parts:
                path.unlink()

    def write(self, rows: Any) -> None:
        """Append a `pyarrow.RecordBatch` or `Table`."""
        if not rows.num_rows:
            return
        if self._writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Numbers that hardly repeat gain nothing from dictionaries.
            self._writer = parquet.ParquetWriter(
                self._open_path(),
                self._schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=self._of_use("asset_id") or False,
                write_statistics=self._of_use("timestamp_ns", "place") or True,
            )
        if isinstance(rows, pa.Table):
            self._writer.write_table(rows, _GROUP_ROWS)
        else:
            self._writer.write_batch(rows, _GROUP_ROWS)
        self.rows += rows.num_rows

    def close_part(self) -> None:
        """Finish the part under way; the next row begins another one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._open_path().replace(self._folder / f"part-{self.parts:05d}.parquet")
            self.parts += 1

    def abandon(self) -> None:
        """Let the part under way go."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._open_path().unlink()

    def _of_use(self, *columns: str) -> list[str]:
        return [name for name in columns if name in self._schema.names]

    def _open_path(self) -> Path:
        return self._folder / f"part-{self.parts:05d}.unfinished"
