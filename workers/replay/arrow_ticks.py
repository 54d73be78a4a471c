"""Arrow record batches to chunks of ticks, or an error that names the row.

Rows are counted from 1, without a CSV file's header.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray

from schemas import MAX_ASSET_ID_SIZE, UndecodableError, checked_tick
from workers.replay.chunk import Refused, TickChunk
from workers.replay.errors import BadTicksError
from workers.replay.layout import REQUIRED, Layout, TimeUnit

__all__ = ["require_columns", "ticks_of"]

_LATEST_NS = 2**63 - 1


def require_columns(source: str, names: list[str], layout: Layout) -> None:
    """Check that a table has the columns.

    Raises:
        BadTicksError: one is missing.
    """
    missing = [layout.theirs(name) for name in REQUIRED if layout.theirs(name) not in names]
    if missing:
        raise BadTicksError(
            f"{source}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}. "
            "Say which column is which, as in --column price=last_price"
        )


def ticks_of(source: str, batch: Any, *, first_row: int, layout: Layout) -> TickChunk:
    """The ticks of a `pyarrow.RecordBatch` whose first row is number `first_row`, from 0.

    Raises:
        BadTicksError: a cell is empty or of the wrong type.
    """
    column = _Columns(source, batch, first_row, layout)
    keys = _asset_ids(column.typed("asset_id", pa.string()))
    price = column.typed("price", pa.float64()).to_numpy(zero_copy_only=False)
    if layout.theirs("target") in batch.schema.names:
        target = column.optional("target", pa.float64()).to_numpy(zero_copy_only=False)
    else:
        target = price
    timestamp_ns = column.timestamps()
    accepted = np.isfinite(price) & ~np.isinf(target) & (timestamp_ns >= 0)
    if not layout.allow_nonpositive_prices:
        accepted &= price > 0.0
    count = len(keys)
    chunk = TickChunk(
        partition=np.zeros(count, dtype=np.int64),
        offset=np.arange(first_row, first_row + count, dtype=np.int64),
        keys=keys,
        accepted=accepted,
        price=price,
        target=target,
        timestamp_ns=timestamp_ns,
    )
    return _refusing(chunk, allow_nonpositive_prices=layout.allow_nonpositive_prices)


class _Columns:
    """Columns of one batch, converted."""

    def __init__(self, source: str, batch: Any, first_row: int, layout: Layout) -> None:
        self._source, self._batch, self._first_row = source, batch, first_row
        self._layout = layout

    def typed(self, name: str, kind: Any) -> Any:
        """A column without empty cells."""
        column = self._batch.column(self._layout.theirs(name))
        if column.null_count:
            at = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise self._error(name, at, "is empty: fill the cell or drop the row")
        return self._cast(name, column, kind)

    def optional(self, name: str, kind: Any) -> Any:
        """A column that may have empty cells: they become NaN."""
        return self._cast(name, self._batch.column(self._layout.theirs(name)), kind)

    def timestamps(self) -> Int64[ndarray, " n"]:
        """Nanoseconds since the epoch, whatever the column's type."""
        name = "timestamp_ns"
        kind = self._batch.column(self._layout.theirs(name)).type
        unit = self._layout.time_unit
        if pa.types.is_timestamp(kind):
            stamps = self.typed(name, pa.timestamp("ns", kind.tz))
            return np.asarray(stamps.cast(pa.int64()).to_numpy(zero_copy_only=False))
        if pa.types.is_floating(kind) and unit is not TimeUnit.NS:
            scaled = self.typed(name, pa.float64()).to_numpy() * float(unit.nanoseconds)
            in_range = np.abs(scaled) < float(_LATEST_NS)
            whole = np.where(in_range, np.rint(scaled), 0.0).astype(np.int64)
        else:
            counted = self.typed(name, pa.int64()).to_numpy()
            in_range = np.abs(counted) <= _LATEST_NS // unit.nanoseconds
            whole = np.where(in_range, counted, 0) * np.int64(unit.nanoseconds)
        if not in_range.all():
            at = int(np.flatnonzero(~in_range)[0])
            raise self._error(name, at, f"is no time in {unit.value}: check --time-unit")
        return whole

    def _cast(self, name: str, column: Any, kind: Any) -> Any:
        try:
            return column.cast(kind)
        except pa.ArrowException as error:
            at = _first_failing(column, lambda part: part.cast(kind))
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


def _first_failing(column: Any, convert: Callable[[Any], Any]) -> int:
    """Position of the first cell that does not convert, by bisection."""
    low, high = 0, len(column) - 1
    while low < high:
        middle = (low + high) // 2
        try:
            convert(column.slice(low, middle - low + 1))
            low = middle + 1
        except pa.ArrowException:
            high = middle
    return low


def _asset_ids(column: Any) -> list[bytes | None]:
    """One bytes object an asset, shared by its rows: its hash is computed once."""
    encoded = column.dictionary_encode()
    names = [name.encode() for name in encoded.dictionary.to_pylist()]
    return [names[code] for code in encoded.indices.to_pylist()]


def _refusing(chunk: TickChunk, *, allow_nonpositive_prices: bool) -> TickChunk:
    """The rules that live ticks obey, with their reasons: what a worker would bury is refused."""
    suspects = set(np.flatnonzero(~chunk.accepted).tolist())
    if ids := {key for key in set(chunk.keys) if not key or len(key) > MAX_ASSET_ID_SIZE}:
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
