"""Columns of times, whatever their type, to nanoseconds since the Unix epoch. Pure."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NoReturn

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray
from pyarrow import compute

from workers.replay.arrays import values
from workers.replay.files.layout import Layout, TimeUnit, how

__all__ = ["first_failing", "nanoseconds"]

_LATEST_NS: Final = 2**63 - 1
_DECIMAL: Final = pa.decimal128(38, 18)
_TOO_FINE: Final = r"(\.\d{18})\d+"
"""Decimals that `_DECIMAL` has no place for."""
_COARSE: Final = 2.0**22
"""Above it a double of seconds is off by a nanosecond and more."""
_EXACT: Final = 2**53
"""Up to it a double holds every whole number."""
_ZONES_END_NS: Final = int(np.datetime64("2038-01-01", "ns").astype(np.int64))
"""From here on Arrow knows no daylight saving time: its tables end with 2037."""
_Fail = Callable[[int, str], NoReturn]


def nanoseconds(column: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    """Nanoseconds of a column without empty cells.

    Args:
        column: numbers in the layout's unit, a timestamp type, or texts: numbers or ISO 8601.
        layout: unit, and the zone of what names none.
        fail: raises for the cell at a position.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _of_timestamps(column, layout, fail)
    if _is_text(kind):
        return _of_texts(column, layout, fail)
    if not _is_number(kind):
        fail(
            0,
            f"is of type {kind}, no point in time: write a timestamp type, a number since 1970 or "
            "an ISO 8601 text",
        )
    if layout.time_unit is not TimeUnit.NS and pa.types.is_decimal(kind):
        return _of_texts(column.cast(pa.string()), layout, fail)
    if layout.time_unit is not TimeUnit.NS and pa.types.is_floating(kind):
        return _of_floats(column, layout, fail)
    counted = _of_integers(_cast(column, pa.int64(), fail, "a whole number"), layout, fail)
    if pa.types.is_floating(kind):
        _refuse_rounded(counted, fail)
    return counted


def _refuse_rounded(stamps_ns: Int64[ndarray, " n"], fail: _Fail) -> None:
    """Doubles were made of nanoseconds: so pandas does with a column that once had a gap."""
    rounded = np.abs(stamps_ns) > _EXACT
    if rounded.any():
        at = int(rounded.argmax())
        fail(
            at,
            f"is {stamps_ns[at]} as a double, which is off by up to 128 ns: make the column "
            "int64 where it comes from, or round it to microseconds and say so: "
            f"{how('time_unit', 'us')}",
        )


def first_failing(column: Any, convert: Callable[[Any], Any]) -> int:
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


def _of_timestamps(column: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    stamps = _cast(column, pa.timestamp("ns", column.type.tz), fail, "a time from 1678 to 2262")
    return _placed(stamps, layout, fail)


def _of_texts(column: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    if layout.time_unit is not TimeUnit.NS:
        column = compute.replace_substring_regex(column, _TOO_FINE, r"\1")
    # The first cell tells what the column is of; the others must be of the same.
    kind = _kind_of_text(column.slice(0, 1), layout)
    if kind is None:
        fail(0, f"is {column[0].as_py()!r}, no time: write a number or 2013-09-01T09:30:00.123Z")
    if kind == pa.int64() and layout.time_unit is not TimeUnit.NS and not _casts(column, kind):
        # Fractions may follow whole numbers. A double could not hold them.
        kind = _DECIMAL if _casts(column, _DECIMAL) else pa.float64()
    parsed = _cast(column, kind, fail, f"a time like {column[0].as_py()!r}")
    if pa.types.is_timestamp(kind):
        return _placed(parsed, layout, fail)
    if pa.types.is_floating(kind):
        return _of_floats(parsed, layout, fail)
    return (_of_decimals if kind == _DECIMAL else _of_integers)(parsed, layout, fail)


def _kind_of_text(cell: Any, layout: Layout) -> Any:
    """The type that a text can be read as; None for no time."""
    kinds = [pa.int64(), pa.timestamp("ns", "UTC"), pa.timestamp("ns")]
    if layout.time_unit is not TimeUnit.NS:
        kinds += [_DECIMAL, pa.float64()]
    return next((kind for kind in kinds if _casts(cell, kind)), None)


def _of_integers(column: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    unit = layout.time_unit
    counted = values(column)
    in_range = np.abs(counted) <= _LATEST_NS // unit.nanoseconds
    _require(in_range, unit, fail)
    return np.asarray(counted * np.int64(unit.nanoseconds))


def _of_floats(column: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    unit = layout.time_unit
    count = values(column.cast(pa.float64()))
    _require(np.abs(count) < float(_LATEST_NS // unit.nanoseconds), unit, fail)
    whole = np.floor(count)
    # In two parts: a product of them all has no bits left for the nanoseconds.
    fraction_ns = np.rint((count - whole) * unit.nanoseconds).astype(np.int64)
    stamps = np.asarray(whole.astype(np.int64) * np.int64(unit.nanoseconds) + fraction_ns)
    coarse = (np.abs(count) >= _COARSE) & (count != whole)
    if coarse.any():
        # What was meant is what it is written as, shortest: a double is some 200 ns off.
        texts = column.filter(pa.array(coarse)).cast(pa.string())
        stamps[coarse] = _of_decimals(texts.cast(_DECIMAL), layout, fail)
    return stamps


def _of_decimals(column: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    unit = layout.time_unit
    scale = pa.scalar(Decimal(unit.nanoseconds), pa.decimal256(10, 0))
    exact = compute.round(compute.multiply(column.cast(pa.decimal256(57, 18)), scale))
    _require(np.abs(values(exact.cast(pa.float64()))) < float(_LATEST_NS), unit, fail)
    return values(exact.cast(pa.decimal256(76, 0)).cast(pa.int64()))


def _placed(stamps: Any, layout: Layout, fail: _Fail) -> Int64[ndarray, " n"]:
    """Timestamps on the one time line; those of no zone are of the layout's."""
    if stamps.type.tz is None and layout.time_zone != "UTC":
        late = values(stamps.cast(pa.int64())) >= _ZONES_END_NS
        if late.any():
            at = int(late.argmax())
            fail(
                at,
                f"is {stamps[at].as_py()}, and what {layout.time_zone} has from 2038 on is not "
                "known here: write times with their offset",
            )

        def place(part: Any) -> Any:
            return compute.assume_timezone(part, layout.time_zone)

        try:
            stamps = place(stamps)
        except pa.ArrowException:
            at = first_failing(stamps, place)
            fail(
                at,
                f"is {stamps[at].as_py()}, which {layout.time_zone} had twice or never: write "
                "times with their offset",
            )
    return values(stamps.cast(pa.int64()))


def _require(in_range: Any, unit: TimeUnit, fail: _Fail) -> None:
    if not in_range.all():
        at = int(np.flatnonzero(~in_range)[0])
        fail(at, f"is no time in {unit.value}: check {how('time_unit', unit.value)}")


def _casts(column: Any, kind: Any) -> bool:
    try:
        column.cast(kind)
    except pa.ArrowException:
        return False
    return True


def _cast(column: Any, kind: Any, fail: _Fail, expected: str) -> Any:
    try:
        return column.cast(kind)
    except pa.ArrowException:
        at = first_failing(column, lambda part: part.cast(kind))
        fail(at, f"is {_shown(column[at])}, expected {expected}: correct the cell")


def _is_number(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _is_text(kind: Any) -> bool:
    types = pa.types
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(texts or types.is_binary(kind))


def _shown(cell: Any) -> str:
    """A cell for people; a timestamp beyond Python's years as the number that it is."""
    try:
        return repr(cell.as_py())
    except (OverflowError, ValueError):
        return f"{cell.value} {cell.type.unit} since 1970"
