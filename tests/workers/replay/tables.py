"""Seeded ticks as tables and files."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tests.kafka.feed import Ticks, random_ticks

__all__ = ["as_table", "bits", "random_table", "write_ticks"]


def as_table(ticks: Ticks) -> Any:
    """A `pyarrow.Table` of ticks whose targets are their prices."""
    return pa.table(
        {"asset_id": ticks.asset, "price": ticks.price, "timestamp_ns": ticks.timestamp_ns}
    )


def random_table(count: int, assets: int, seed: int) -> Any:
    """Seeded ticks."""
    return as_table(random_ticks(count, assets, seed))


def write_ticks(path: Path, table: Any) -> Path:
    """A Parquet file with checksums."""
    parquet.write_table(table, path, row_group_size=50_000, write_page_checksum=True)
    return path


def bits(table: Any) -> dict[str, Any]:
    """Columns for comparison bit by bit: NaN is not equal to itself."""
    return {
        name: (
            table[name].to_numpy().tobytes()
            if pa.types.is_floating(table[name].type)
            else table[name].to_pylist()
        )
        for name in table.column_names
    }
