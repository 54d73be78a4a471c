"""What a record was beside its tick, in files of every kind and name."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.workers.replay.files.test_bad_files import rows
from tests.workers.replay.tables import random_table, write_ticks
from workers.replay import FileSource, Layout, RecordColumns, export_ticks
from workers.replay.output.record_columns import RECORD_FIELDS


def test_they_are_read_whatever_the_case_of_the_suffix(tmp_path: Path) -> None:
    columns = ([5], [1], [7], [[{"key": "trace", "value": b"x"}]])
    kept = pa.table(list(columns), pa.schema(RECORD_FIELDS))
    for name in ("t.parquet", "t.PARQUET"):
        found = RecordColumns.read(write_ticks(tmp_path / name, kept))
        assert found is not None
        assert (found.partition.tolist(), found.headers) == ([1], [[("trace", b"x")]])


@pytest.mark.parametrize("suffix", [".Avro", ".PARQUET"])
def test_an_export_is_of_the_kind_of_its_suffix(tmp_path: Path, suffix: str) -> None:
    path = write_ticks(tmp_path / "ticks.parquet", random_table(9, 2, seed=3))
    exported = path.with_name(f"exported{suffix}")
    assert export_ticks(FileSource(path, Layout()), exported) == (9, 0)
    assert rows(exported) == rows(path)
