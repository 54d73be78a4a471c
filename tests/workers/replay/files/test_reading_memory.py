"""What has been read of a long file is let go."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tests.workers.replay.tables import random_table
from workers.replay import FileSource, Layout

_MIB = 1 << 20


def test_a_parquet_file_is_held_a_row_group_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    parquet.write_table(random_table(1_000_000, 100, seed=1), path, row_group_size=50_000)
    assert path.stat().st_size > 16 * _MIB
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in FileSource(path, Layout()).chunks({})]
    assert len(held) > 10
    assert max(held) < 8 * _MIB
