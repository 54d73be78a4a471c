"""Tick files: CSV and Parquet with the columns asset_id, price, target (optional), timestamp_ns."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from ops.ticks.errors import TickFileError
from ops.ticks.table import TickTable

__all__ = ["read_ticks"]

_REQUIRED: Final = ("asset_id", "price", "timestamp_ns")
_COLUMNS: Final = (*_REQUIRED, "target")


def read_ticks(path: Path) -> TickTable:
    """Read a file whole; its kind is told by its suffix (.csv, .csv.gz or .parquet).

    Without a `target` column the target is the price; an empty cell in it is no target.
    A Parquet `timestamp_ns` may also have a timestamp type.

    Raises:
        TickFileError: not readable, a column missing, a cell empty or of the wrong type.
    """
    try:
        import pyarrow  # noqa: PLC0415  (optional dependency)
    except ImportError as error:
        raise TickFileError("tick files need pyarrow: pip install 'tickfleet[local]'") from error
    if not path.is_file():
        raise TickFileError(f"{path} is no file")
    try:
        table = _read_csv(path) if ".csv" in path.suffixes else _read_parquet(path)
        columns = {name: _typed(table, name) for name in _COLUMNS if name in table.column_names}
    except pyarrow.ArrowException as error:
        raise TickFileError(f"{path}: {error}") from error
    except TickFileError as error:
        raise TickFileError(f"{path}: {error}") from error
    price = _numpy(columns["price"])
    target = _numpy(columns["target"]) if "target" in columns else price.copy()
    timestamp_ns = _numpy(columns["timestamp_ns"])
    return TickTable(columns["asset_id"].to_pylist(), price, target, timestamp_ns)


def _read_csv(path: Path) -> Any:
    from pyarrow import csv, float64, int64, string  # noqa: PLC0415

    types = {
        "asset_id": string(),
        "price": float64(),
        "target": float64(),
        "timestamp_ns": int64(),
    }
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
    _require(table.column_names)
    return table


def _read_parquet(path: Path) -> Any:
    from pyarrow import parquet  # noqa: PLC0415

    with parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        _require(names)
        return file.read([name for name in _COLUMNS if name in names])


def _require(names: list[str]) -> None:
    if missing := [name for name in _REQUIRED if name not in names]:
        raise TickFileError(
            f"no column {', '.join(missing)}; a tick file has {', '.join(_COLUMNS)} (target is "
            f"optional), this one has {', '.join(names)}"
        )


def _typed(table: Any, name: str) -> Any:
    from pyarrow import float64, int64, string, timestamp, types  # noqa: PLC0415

    column = table[name]
    if name != "target" and column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise TickFileError(f"{name} is empty in data row {row + 1}")
    if types.is_timestamp(column.type):
        column = column.cast(timestamp("ns"))
    wanted = {"asset_id": string(), "timestamp_ns": int64()}.get(name, float64())
    return column.cast(wanted).combine_chunks()


def _numpy(column: Any) -> Any:
    """A copy; empty cells, which only `target` can have here, are NaN."""
    return np.array(column.to_numpy(zero_copy_only=False))
