"""Arrow record batches to chunks of ticks, or an error that names the row.

Rows are counted from 1, without a CSV file's header.
"""

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64
from numpy import ndarray
from pyarrow import compute

from schemas import MAX_ASSET_ID_SIZE, UndecodableError, checked_tick
from workers.batching.keys import CodedKeys
from workers.replay.arrays import values
from workers.replay.chunk import Refused, TickChunk
from workers.replay.errors import BadTicksError
from workers.replay.files.layout import Layout
from workers.replay.files.quotes import QuoteCheck
from workers.replay.files.times import first_failing, nanoseconds

__all__ = ["require_columns", "ticks_of"]


def require_columns(source: str, names: list[str], layout: Layout) -> None:
    """Check that a table has the columns, each once.

    Raises:
        BadTicksError: one is missing, or of two it cannot be told which is meant.
    """
    missing = [layout.theirs(name) for name in layout.required if layout.theirs(name) not in names]
    if missing:
        raise BadTicksError(
            f"{source}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}. "
            "Say which column is which, as in --column price=last_price (in Python "
            "Layout(columns={'price': 'last_price'}))"
        )
    if twice := [name for name in layout.read_from(names) if names.count(name) > 1]:
        raise BadTicksError(
            f"{source}: more than one column is named {', '.join(twice)}: rename those that are "
            "not meant"
        )


def ticks_of(
    source: str, batch: Any, *, first_row: int, layout: Layout, quotes: QuoteCheck
) -> TickChunk:
    """The ticks of a `pyarrow.RecordBatch` whose first row is number `first_row`, from 0.

    Raises:
        BadTicksError: a cell is empty or of the wrong type, or a quote has no mid.
    """
    column, count = _Columns(source, batch, first_row, layout), batch.num_rows
    keys = column.asset_ids()
    kept = None
    if layout.mid:
        price, kept = quotes.mid(
            column.optional("bid"), column.optional("ask"), first_row=first_row
        )
    else:
        price = column.numbers("price")
    has_target = layout.theirs("target") in batch.schema.names
    target = column.optional("target") if has_target else price
    timestamp_ns = column.timestamps()
    accepted = np.isfinite(price) & ~np.isinf(target) & (timestamp_ns >= 0)
    if not layout.allow_nonpositive_prices:
        accepted &= price > 0.0
    chunk = TickChunk(
        partition=np.zeros(count, dtype=np.int64),
        offset=np.arange(first_row, first_row + count, dtype=np.int64),
        keys=keys,
        accepted=accepted,
        price=price,
        target=target,
        timestamp_ns=timestamp_ns,
    )
    if kept is not None and not kept.all():
        chunk = chunk.take(np.flatnonzero(kept))
    return _refusing(chunk, allow_nonpositive_prices=layout.allow_nonpositive_prices)


class _Columns:
    """Columns of one batch, converted."""

    def __init__(self, source: str, batch: Any, first_row: int, layout: Layout) -> None:
        self._source, self._batch, self._first_row = source, batch, first_row
        self._layout = layout

    def asset_ids(self) -> CodedKeys:
        """One bytes object an asset."""
        if self._layout.asset is not None:
            everywhere = np.zeros(self._batch.num_rows, dtype=np.int64)
            return CodedKeys([self._layout.asset.encode()], everywhere)
        encoded = self._cast("asset_id", self._filled("asset_id"), pa.string()).dictionary_encode()
        names = [name.encode() for name in encoded.dictionary.to_pylist()]
        return CodedKeys(names, values(encoded.indices).astype(np.int64))

    def numbers(self, name: str) -> Float64[ndarray, " n"]:
        """A column without empty cells."""
        return self._floats(name, self._filled(name))

    def optional(self, name: str) -> Float64[ndarray, " n"]:
        """A column that may have empty cells: they become NaN."""
        return self._floats(name, self._column(name))

    def timestamps(self) -> Int64[ndarray, " n"]:
        """Nanoseconds since the epoch, whatever the column's type."""
        name = "timestamp_ns"

        def fail(at: int, what: str) -> NoReturn:
            raise self._error(name, at, what)

        return nanoseconds(self._filled(name), self._layout, fail)

    def _column(self, name: str) -> Any:
        column = self._batch.column(self._layout.theirs(name))
        if pa.types.is_run_end_encoded(column.type):
            column = compute.run_end_decode(column)
        return _decoded(column) if pa.types.is_dictionary(column.type) else column

    def _filled(self, name: str) -> Any:
        column = self._column(name)
        if column.null_count:
            at = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise self._error(name, at, "is empty: fill the cell or drop the row")
        return column

    def _floats(self, name: str, column: Any) -> Float64[ndarray, " n"]:
        if pa.types.is_boolean(column.type):
            raise self._error(name, 0, "is of type bool, no number: name another column")
        if pa.types.is_decimal(column.type):
            # Arrow's own cast to double is one bit off in every eighth price; its parser is not.
            column = column.cast(pa.string())
        floats = self._cast(name, column, pa.float64())
        return values(floats.fill_null(np.nan) if floats.null_count else floats)

    def _cast(self, name: str, column: Any, kind: Any) -> Any:
        try:
            return column.cast(kind)
        except pa.ArrowException as error:
            at = first_failing(column, lambda part: part.cast(kind))
            raise self._error(
                name,
                at,
                f"is {column[at].as_py()!r}, expected {kind}: correct the cell, or the "
                "column's type",
            ) from error

    def _error(self, name: str, at: int, what: str) -> BadTicksError:
        return BadTicksError(
            f"{self._source}: row {self._first_row + at + 1}: {self._layout.theirs(name)} {what}"
        )


def _decoded(column: Any) -> Any:
    """A dictionary's cells: an empty one may hide in the dictionary, where no count sees it."""
    words = column.dictionary
    if pa.types.is_string_view(words.type):
        # So polars has its categories, and Arrow cannot take from them.
        words = words.cast(pa.string())
    return words.take(column.indices)


def _refusing(chunk: TickChunk, *, allow_nonpositive_prices: bool) -> TickChunk:
    """The rules that live ticks obey, with their reasons: what a worker would bury is refused."""
    suspects = set(np.flatnonzero(~chunk.accepted).tolist())
    distinct = CodedKeys.of(chunk.keys).names
    if ids := {key for key in distinct if not key or len(key) > MAX_ASSET_ID_SIZE}:
        suspects.update(i for i, key in enumerate(chunk.keys) if key in ids)
    refused = []
    for i in sorted(suspects):
        key = chunk.keys[i] or b""
        record = {
            "asset_id": key.decode(),
            "price": float(chunk.price[i]),
            "target": float(chunk.target[i]),
            "timestamp_ns": int(chunk.timestamp_ns[i]),
        }
        try:
            checked_tick(key, record, allow_nonpositive_prices=allow_nonpositive_prices)
        except UndecodableError as error:
            chunk.accepted[i] = False
            refused.append(Refused(0, int(chunk.offset[i]), error.error_class.value, str(error)))
    return replace(chunk, refused=tuple(refused)) if refused else chunk
