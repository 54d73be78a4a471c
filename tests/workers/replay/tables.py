"""Seeded ticks as tables and files."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from core import PredictorConfig
from tests.kafka.feed import Ticks, random_ticks
from workers.replay import EventTime, FileSource, Layout, RunPlan

__all__ = ["CONFIG", "COUNT", "as_table", "bits", "plan", "random_table", "table", "write_ticks"]

CONFIG = PredictorConfig()
COUNT = 75_000
"""Ticks of a file that is read in two batches."""


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


def plan(ticks: Path, out: Path, config: PredictorConfig = CONFIG, **more: Any) -> RunPlan:
    """A run over a file."""
    return RunPlan(FileSource(ticks, Layout()), config, "float64", EventTime(config), out, **more)


def table(run: Path, name: str = "results") -> Any:
    """A table of a finished run."""
    return parquet.read_table(run / name)
