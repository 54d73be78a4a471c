"""CSV files as record batches, compressed or not."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv

from workers.replay.errors import BadTicksError
from workers.replay.files.arrow_ticks import require_columns
from workers.replay.files.layout import Layout

__all__ = ["COMPRESSIONS", "CsvFile"]

COMPRESSIONS: Final = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}

_BEGINS: Final = {".gz": b"\x1f\x8b", ".bz2": b"BZh91AY&SY", ".zst": b"\x28\xb5\x2f\xfd"}
_EMPTY: Final = [
    word for word in csv.ConvertOptions().null_values if word.lower().lstrip("-") != "nan"
]
_BLOCK_BYTES: Final = 4 << 20
_HEAD_BYTES: Final = 1 << 18
_OTHER_SEPARATORS: Final = (";", "\t", "|")


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
            names = self._names()
            self._check_header(names)
            require_columns(str(self._path), names, self._layout)
            read = csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False)
            with (
                _opened(self._path) as raw,
                csv.open_csv(
                    self._stream(raw), read_options=read, convert_options=self._convert(names)
                ) as reader,
            ):
                for batch in reader:
                    yield batch
                    self.share = raw.tell() / size
        except (pa.ArrowException, OSError, EOFError) as error:
            raise BadTicksError(self._why(error)) from error
        self.share = 1.0

    def _names(self) -> list[str]:
        with _opened(self._path) as raw:
            head = self._stream(raw).read_buffer(_HEAD_BYTES)
        begin = head.to_pybytes()
        if found := [suffix for suffix, magic in _BEGINS.items() if begin.startswith(magic)]:
            raise BadTicksError(f"{self._path} holds compressed data: name it .csv{found[0]}")
        if b"\0" in begin:
            raise BadTicksError(f"{self._path} is no UTF-8 text, perhaps UTF-16: write it as such")
        # Its last row is cut, and a bad one is told of when it is read.
        parse = csv.ParseOptions(invalid_row_handler=lambda _row: "skip")
        read = csv.ReadOptions(use_threads=False)
        table = csv.read_csv(pa.BufferReader(head), read_options=read, parse_options=parse)
        names: list[str] = table.column_names
        if len(names) == 1 and (found := [s for s in _OTHER_SEPARATORS if s in names[0]]):
            raise BadTicksError(
                f"{self._path}: its columns are separated by {found[0]!r}: write them with commas"
            )
        return names

    def _check_header(self, names: list[str]) -> None:
        """A first line of data, taken for the header, would cost a tick without a word."""
        stamp = self._layout.theirs("timestamp_ns")
        missing = any(self._layout.theirs(name) not in names for name in self._layout.required)
        suspects = names if missing else [stamp]
        values = sum(_is_value(name, len(names)) for name in suspects)
        if 2 * values >= len(suspects) > 0:
            raise BadTicksError(
                f"{self._path}: its first line is a row of data ({', '.join(names)}): write one "
                "above it that names the columns, as in asset_id,price,timestamp_ns"
            )

    def _stream(self, raw: Any) -> Any:
        how = COMPRESSIONS.get(self._path.suffix.lower())
        return raw if how is None else pa.CompressedInputStream(raw, how)

    def _convert(self, names: list[str]) -> Any:
        # Times as texts: what the first block has, whole seconds say, binds no later row.
        kinds = dict.fromkeys(("price", "bid", "ask", "target"), pa.float64())
        kinds |= {"asset_id": pa.string(), "timestamp_ns": pa.string()}
        return csv.ConvertOptions(
            column_types={self._layout.theirs(name): kind for name, kind in kinds.items()},
            # A "nan" is a number that is none, as it is in a Parquet file, and no empty cell.
            null_values=_EMPTY,
            # It would bind a column that is not read as well.
            include_columns=self._layout.read_from(names),
        )

    def _why(self, error: Exception) -> str:
        if any(word in str(error) for word in ("zlib", "BZ2", "ZSTD", "ompressed")):
            return f"{self._path} is cut short or damaged ({error}): copy or write it again"
        return (
            f"{self._path}: {error}. Correct the row (rows count from 1, the header's line "
            "included)"
        )


def _is_value(name: str, columns: int) -> bool:
    """Whether it is a number or a time, and not the number of a column that has no other name."""
    if name in map(str, range(columns)):
        return False
    for kind in (float, datetime.fromisoformat):
        with suppress(ValueError):
            kind(name)
            return True
    return False


def _opened(path: Path) -> Any:
    """Arrow's own file: its threads may still hold bytes of Python's when the process ends, which
    then dies of letting them go.
    """
    return pa.OSFile(str(path))
