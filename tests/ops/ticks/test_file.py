"""Tick files of every kind read alike, and a bad one is explained by column or row."""

from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ops.ticks import TickTable, read_ticks
from schemas.contracts import contract
from workers.replay import BadTicksError, Layout

_COLUMNS = {
    "asset_id": ["BTC", "ETH", "BTC"],
    "price": [100.5, 20.25, 101.0],
    "target": [None, 20.5, 101.25],
    "timestamp_ns": [1_700_000_000_000_000_001, 1_700_000_000_000_000_002, 3],
}
_CSV = "\n".join(
    ["asset_id,price,target,timestamp_ns,venue"]
    + [
        ",".join("" if cell is None else str(cell) for cell in row) + ",X"
        for row in zip(*_COLUMNS.values(), strict=True)
    ]
)


def _assert_is_the_example(table: TickTable) -> None:
    assert list(table.asset_id) == _COLUMNS["asset_id"]
    np.testing.assert_array_equal(table.price, _COLUMNS["price"])
    np.testing.assert_array_equal(table.target, [np.nan, 20.5, 101.25])
    np.testing.assert_array_equal(table.timestamp_ns, _COLUMNS["timestamp_ns"])
    assert table.timestamp_ns.dtype == np.int64


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_csv_with_other_columns_besides(tmp_path: Path) -> None:
    _assert_is_the_example(read_ticks(_write(tmp_path / "ticks.csv", _CSV)))


def test_parquet(tmp_path: Path) -> None:
    parquet.write_table(pa.table(_COLUMNS), tmp_path / "ticks.parquet")
    _assert_is_the_example(read_ticks(tmp_path / "ticks.parquet"))


def test_parquet_with_timestamps_and_whole_prices(tmp_path: Path) -> None:
    stamps = pa.array([1_500, 2_500], pa.timestamp("us"))
    parquet.write_table(
        pa.table({"asset_id": ["A", "A"], "price": [1, 2], "timestamp_ns": stamps}),
        tmp_path / "ticks.parquet",
    )
    table = read_ticks(tmp_path / "ticks.parquet")
    np.testing.assert_array_equal(table.timestamp_ns, [1_500_000, 2_500_000])
    np.testing.assert_array_equal(table.price, [1.0, 2.0])


def test_avro(tmp_path: Path) -> None:
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in zip(*_COLUMNS.values(), strict=True)]
    path = tmp_path / "ticks.avro"
    with path.open("wb") as file:
        fastavro.writer(file, contract("Tick").parsed, rows)
    _assert_is_the_example(read_ticks(path))


def test_columns_of_other_names_and_unsound_ticks(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "time,last\n5,1.5\n4,-2\n")
    layout = Layout(columns={"price": "last", "timestamp_ns": "time"}, asset="A", unsorted=True)
    table = read_ticks(path, layout)
    assert list(table.asset_id) == ["A", "A"]
    np.testing.assert_array_equal(table.price, [1.5, -2.0])


def test_without_a_target_column_the_target_is_the_price(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "asset_id,price,timestamp_ns\nA,1.5,1\nB,2.5,2\n")
    np.testing.assert_array_equal(read_ticks(path).target, [1.5, 2.5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("asset,price,timestamp_ns\nA,1,1\n", r"no column asset_id; it has asset, price, timest"),
        ("asset_id,price,timestamp_ns\nA,1,1\nB,,2\n", r"row 2: price is empty"),
        ("asset_id,price,timestamp_ns\nA,one,1\n", r"conversion error to double.*'one'"),
        (
            "asset_id,price,timestamp_ns\nA,1,1.5\n",
            r"row 1: timestamp_ns is '1\.5', no time: write a number",
        ),
        ("asset_id,price,timestamp_ns\nA,1\n", r"Expected 3 columns, got 2"),
        ("", r"[Ee]mpty"),
    ],
)
def test_a_bad_csv_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadTicksError, match=message) as caught:
        read_ticks(_write(tmp_path / "bad.csv", text))
    assert "bad.csv" in str(caught.value)


def test_a_bad_parquet_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BadTicksError, match=r"bad\.parquet"):
        read_ticks(_write(tmp_path / "bad.parquet", "this is text"))
    with pytest.raises(BadTicksError, match="is no file"):
        read_ticks(tmp_path / "absent.parquet")


def test_moving_in_time_keeps_the_distances() -> None:
    table = TickTable(["A", "A"], np.ones(2), np.ones(2), np.array([5, 9]))
    np.testing.assert_array_equal(table.starting_at(1_000).timestamp_ns, [1_000, 1_004])
