"""CSV files as record batches, gzipped or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv

from workers.replay.arrow_ticks import require_columns
from workers.replay.errors import BadTicksError
from workers.replay.layout import Layout

__all__ = ["CsvFile"]

_BLOCK_BYTES: Final = 4 << 20


class CsvFile:
    """One file; its first line names the columns.

    Args:
        path: the file.
        layout: its columns.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self.share = 0.0
        """How many of the bytes have been read."""

    def batches(self) -> Iterator[Any]:
        """Its columns, from the first row on.

        Raises:
            BadTicksError: the file cannot be used.
        """
        size = max(self._path.stat().st_size, 1)
        try:
            # A file of its own: a reader reads ahead.
            with _opened(self._path) as raw, self._reader(raw, csv.ConvertOptions()) as first:
                names = first.schema.names
            require_columns(str(self._path), names, self._layout)
            with _opened(self._path) as raw, self._reader(raw, self._convert(names)) as reader:
                for batch in reader:
                    yield batch
                    self.share = raw.tell() / size
        except (pa.ArrowException, OSError, EOFError) as error:
            raise BadTicksError(self._why(error)) from error
        self.share = 1.0

    def _reader(self, raw: Any, convert: Any) -> Any:
        stream = pa.CompressedInputStream(raw, "gzip") if self._path.suffix == ".gz" else raw
        read = csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False)
        return csv.open_csv(stream, read_options=read, convert_options=convert)

    def _convert(self, names: list[str]) -> Any:
        # Times as texts: what the first block has, whole seconds say, binds no later row.
        kinds = dict.fromkeys(("price", "bid", "ask", "target"), pa.float64())
        kinds |= {"asset_id": pa.string(), "timestamp_ns": pa.string()}
        return csv.ConvertOptions(
            column_types={self._layout.theirs(name): kind for name, kind in kinds.items()},
            # It would bind a column that is not read as well.
            include_columns=self._layout.read_from(names),
        )

    def _why(self, error: Exception) -> str:
        if "zlib" in str(error) or "ompressed" in str(error):
            return f"{self._path} is cut short or damaged ({error}): copy or write it again"
        return (
            f"{self._path}: {error}. Correct the row (rows count from 1, the header's line "
            "included)"
        )


def _opened(path: Path) -> Any:
    """Arrow's own file: its threads may still hold bytes of Python's when the process ends, which
    then dies of letting them go.
    """
    return pa.OSFile(str(path))
