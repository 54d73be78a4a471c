"""Avro object container files as record batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import fastavro
import pyarrow as pa

from workers.replay.errors import BadTicksError
from workers.replay.files.arrow_ticks import require_columns
from workers.replay.files.layout import Layout, how

__all__ = ["AvroFile"]

_BATCH_ROWS: Final = 65_536
_BARE: Final[dict[str, Any]] = {
    "timestamp-nanos": pa.timestamp("ns", "UTC"),
    "local-timestamp-nanos": pa.timestamp("ns"),
}
"""Logical types that the library hands on as bare numbers."""


class AvroFile:
    """One file of records.

    Args:
        path: the file.
        layout: its columns, which are fields of the record.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self.share = 0.0
        """How many of the bytes have been read."""

    def batches(self) -> Iterator[Any]:
        """Its columns of interest, from the first row on.

        Raises:
            BadTicksError: the file cannot be used.
        """
        size, first_row = max(self._path.stat().st_size, 1), 0
        with self._path.open("rb") as raw:
            blocks = self._opened(raw)
            kinds = {one["name"]: _kind(one["type"]) for one in blocks.writer_schema["fields"]}
            require_columns(str(self._path), list(kinds), self._layout)
            columns = {name: kinds[name] for name in self._layout.read_from(list(kinds))}
            rows: list[dict[str, Any]] = []
            for record in self._records(blocks):
                rows.append(record)
                if len(rows) == _BATCH_ROWS:
                    yield self._batch(rows, columns, first_row)
                    self.share, first_row, rows = raw.tell() / size, first_row + len(rows), []
            if rows:
                yield self._batch(rows, columns, first_row)
        self.share = 1.0

    def _opened(self, raw: Any) -> Any:
        try:
            blocks = fastavro.block_reader(raw)
        except Exception as error:
            raise BadTicksError(
                f"{self._path} is no Avro container file ({error}): write it as one, or name it "
                "after what it is"
            ) from error
        if not (isinstance(blocks.writer_schema, dict) and "fields" in blocks.writer_schema):
            raise BadTicksError(f"{self._path} holds no records: a tick is a record with fields")
        return blocks

    def _records(self, blocks: Any) -> Iterator[dict[str, Any]]:
        row = 0
        try:
            for block in blocks:
                for record in block:
                    yield record
                    row += 1
        except GeneratorExit:
            raise
        # Damaged bytes make any error: of the decoder, of the compression, of Python itself.
        except Exception as error:
            self._refuse(row, error)

    def _refuse(self, row: int, error: Exception) -> NoReturn:
        if "install" in str(error):
            raise BadTicksError(f"{self._path}: {error}, or write it with deflate") from error
        if isinstance(error, OverflowError):
            raise BadTicksError(
                f"{self._path}: row {row + 1}: a time at or behind it is beyond the year 9999 "
                f"({error}): if it is of another unit than its type says, write it as a plain long "
                f"and say its unit, as in {how('time_unit', 'us')}; else the data is damaged, copy "
                "or write it again"
            ) from error
        what = "the file is cut short" if isinstance(error, EOFError) else "the data is damaged"
        raise BadTicksError(
            f"{self._path}: row {row + 1}: {what} at or behind it ({error}): copy or write it again"
        ) from error

    def _batch(self, rows: list[dict[str, Any]], columns: dict[str, Any], first_row: int) -> Any:
        arrays = [
            self._array(name, kind, [row[name] for row in rows], first_row)
            for name, kind in columns.items()
        ]
        return pa.RecordBatch.from_arrays(arrays, list(columns))

    def _array(self, name: str, kind: Any, values: list[Any], first_row: int) -> Any:
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, OverflowError) as error:
            at = _first_unlike(values, kind)
            raise BadTicksError(
                f"{self._path}: row {first_row + at + 1}: {name} is {values[at]!r}, of another "
                f"type than {values[0]!r} of the rows before: write one type"
            ) from error


def _kind(declared: Any) -> Any:
    """The column's type where values do not tell it; None where they do."""
    branches = declared if isinstance(declared, list) else [declared]
    kinds = (_BARE.get(one.get("logicalType", "")) for one in branches if isinstance(one, dict))
    return next((kind for kind in kinds if kind is not None), None)


def _first_unlike(values: list[Any], kind: Any) -> int:
    """The first value that makes a column of the values up to it impossible."""
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        try:
            pa.array(values[: middle + 1], kind)
            low = middle + 1
        except (pa.ArrowException, OverflowError):
            high = middle
    return low
