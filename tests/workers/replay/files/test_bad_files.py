"""A bad file is refused by its name and row, with a remedy, and leaves nothing that looks whole."""

import gzip
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from core import PredictorConfig
from tests.workers.replay.tables import random_table, write_ticks
from workers.replay import (
    BadTicksError,
    EventTime,
    FileSource,
    Layout,
    Repeats,
    ReplayError,
    RunPlan,
    TimeUnit,
    run_backtest,
)
from workers.replay.files.csv_file import COMPRESSIONS
from workers.replay.files.table_source import BatchSource

_CONFIG = PredictorConfig()


def rows(path: Path, layout: Layout | None = None) -> list[tuple[Any, ...]]:
    """What a source hands on: offset, asset, price, time."""
    chunks = FileSource(path, layout or Layout()).chunks({})
    return [
        row
        for c in chunks
        for row in zip(
            c.offset.tolist(), c.keys, c.price.tolist(), c.timestamp_ns.tolist(), strict=True
        )
    ]


def csv(folder: Path, text: str) -> Path:
    path = folder / "ticks.csv"
    path.write_text(text, "utf-8")
    return path


_HEAD = "asset_id,price,timestamp_ns\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("asset,price,timestamp_ns\nA,1,1\n", r"no column asset_id; .*--column price=last_price"),
        (
            "asset_id,price,timestamp_ns,price\nA,1,1,2\n",
            r"more than one column is named price: re",
        ),
        (
            _HEAD + "A,1,5\nB,1,7\nA,2,6\n",
            r"row 3: its time 6 ns is before 7 ns .*--unsorted .*Layout\(unsorted=True",
        ),
        (
            _HEAD + "A,1,5\nB,1,5\nA,1,5\n",
            r"row 3 repeats a row above it.*--repeats drop \(in Python Layout\(repeats='drop'",
        ),
        (_HEAD + "A,1,5\nB,one,6\n", r"Row #3: .*'one'.* Correct the row"),
        (_HEAD + "A,1,5\nB,1,soon\n", r"row 2: timestamp_ns is 'soon', expected a time like '5'"),
        (_HEAD + "A,1,5\nB,1\n", r"Row #3: Expected 3 columns, got 2.* Correct the row"),
        (_HEAD + "A,1,5\nB,,6\n", r"row 2: price is empty: fill the cell or drop the row"),
        ("", r"is empty, 0 bytes: copy or write it again"),
    ],
)
def test_csv(tmp_path: Path, text: str, message: str) -> None:
    path = csv(tmp_path, text)
    with pytest.raises(BadTicksError, match=message) as caught:
        rows(path)
    assert str(path) in str(caught.value)


_BINANCE = (
    "1,42000.1,0.5,21000,1640995200123,True,True\n2,42000.2,0.5,21000,1640995200124,True,True\n"
)
_TRUEFX = "EUR/USD,20200102 00:00:00.123,1.12,1.13\nEUR/USD,20200102 00:00:00.124,1.12,1.13\n"
_LOBSTER = "34200.004241176,1,16113575,18,5853300,1\n34200.025551909,1,16120456,18,5859100,-1\n"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (_BINANCE, {"price": "42000.1", "timestamp_ns": "1640995200123"}),
        (_TRUEFX, {"price": "1.12", "timestamp_ns": "20200102 00:00:00.123"}),
        (_LOBSTER, {"price": "5853300", "timestamp_ns": "34200.004241176"}),
    ],
)
def test_a_first_line_of_data_is_not_taken_for_the_header(
    tmp_path: Path, text: str, columns: dict[str, str]
) -> None:
    path = csv(tmp_path, text)
    for layout in (Layout(asset="A"), Layout(asset="A", columns=columns)):
        with pytest.raises(BadTicksError, match=r"first line is a row of data \(.*names the col"):
            rows(path, layout)


def test_columns_may_be_named_by_numbers(tmp_path: Path) -> None:
    named = csv(tmp_path, ",0,1,2\n0,A,1.5,5\n1,A,1.5,6\n")  # as pandas does without names
    layout = Layout(columns={"asset_id": "0", "price": "1", "timestamp_ns": "2"})
    assert [row[3] for row in rows(named, layout)] == [5, 6]
    strikes = csv(tmp_path, "time,99.5,100.0\n5,1.5,1.25\n")
    layout = Layout(asset="A", columns={"price": "100.0", "timestamp_ns": "time"})
    assert rows(strikes, layout) == [(0, b"A", 1.25, 5)]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_is_named(tmp_path: Path, separator: str) -> None:
    path = csv(tmp_path, (_HEAD + "A,1,5\n").replace(",", separator))
    with pytest.raises(BadTicksError) as caught:
        rows(path)
    assert f"its columns are separated by {separator!r}: write them with commas" in str(
        caught.value
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
@pytest.mark.parametrize("gzipped", [False, True])
def test_another_encoding_is_named(tmp_path: Path, encoding: str, gzipped: bool) -> None:
    content = (_HEAD + "A,1,5\n").encode(encoding)
    path = tmp_path / ("ticks.csv.gz" if gzipped else "ticks.csv")
    path.write_bytes(gzip.compress(content) if gzipped else content)
    with pytest.raises(BadTicksError, match=r"is no UTF-8 text, perhaps UTF-16: write it as such"):
        rows(path)


def test_order_and_repeats_are_followed_across_batches(tmp_path: Path) -> None:
    table = random_table(140_000, 3, seed=1)
    swapped = pa.concat_tables(
        [table.slice(0, 65_536), table.slice(70_000), table.slice(65_536, 9)]
    )
    path = write_ticks(tmp_path / "ticks.parquet", swapped)
    with pytest.raises(BadTicksError, match=r"row 135537: its time"):
        rows(path)
    doubled = pa.concat_tables([table.slice(0, 65_536), table.slice(65_535)])
    write_ticks(path, doubled)
    with pytest.raises(BadTicksError, match=r"row 65537 repeats a row above it"):
        rows(path)
    kept = rows(path, Layout(repeats=Repeats.DROP))
    assert [offset for offset, *_ in kept] == [i for i in range(140_001) if i != 65_536]
    assert len(rows(path, Layout(repeats=Repeats.KEEP))) == 140_001


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_column_that_is_not_read_may_hold_anything(tmp_path: Path, gzipped: bool) -> None:
    lines = [f"A,{i + 1}.25,{i + 10**18},{'' if i < 190_000 else 'T'}\n" for i in range(200_000)]
    text = f"{_HEAD[:-1]},cond\n{''.join(lines)}"
    path = csv(tmp_path, text)
    if gzipped:
        path = tmp_path / "ticks.csv.gz"
        path.write_bytes(gzip.compress(text.encode(), 1))
    assert sum(len(chunk) for chunk in FileSource(path, Layout()).chunks({})) == 200_000


def test_a_price_that_is_nan_is_a_refused_record_whatever_the_file(tmp_path: Path) -> None:
    path = csv(tmp_path, _HEAD + "A,nan,5\nA,NaN,6\nA,1,7\n")
    table = pa.table(
        {"asset_id": ["A"] * 3, "price": [np.nan, np.nan, 1.0], "timestamp_ns": [5, 6, 7]}
    )
    for one in (path, write_ticks(tmp_path / "ticks.parquet", table)):
        (chunk,) = FileSource(one, Layout()).chunks({})
        assert chunk.accepted.tolist() == [False, False, True]
    target = csv(tmp_path, "asset_id,price,timestamp_ns,target\nA,1,5,n/a\nA,1,6,#N/A\nA,1,7,nan\n")
    (chunk,) = FileSource(target, Layout()).chunks({})
    assert np.isnan(chunk.target).all()
    for empty in ("", "NA", "null", "n/a"):
        with pytest.raises(BadTicksError, match="row 1: price is empty"):
            rows(csv(tmp_path, f"{_HEAD}A,{empty},5\n"))


@pytest.mark.parametrize(("suffix", "codec"), COMPRESSIONS.items())
def test_a_compressed_file_is_told_by_its_suffix(tmp_path: Path, suffix: str, codec: str) -> None:
    content = (_HEAD + "".join(f"A,{i + 1},{i}\n" for i in range(2_000))).encode()
    path = tmp_path / f"ticks.CSV{suffix}"
    with pa.CompressedOutputStream(str(path), codec) as file:
        file.write(content)
    assert len(rows(path)) == 2_000
    misnamed = path.with_suffix("")
    misnamed.write_bytes(path.read_bytes())
    with pytest.raises(BadTicksError, match=rf"CSV holds compressed data: name it \.csv\{suffix}"):
        rows(misnamed)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(BadTicksError, match="is cut short or damaged"):
        rows(path)


def test_a_file_is_what_its_last_suffix_says(tmp_path: Path) -> None:
    table = pa.table({"asset_id": ["A"], "price": [1.0], "timestamp_ns": [5]})
    assert len(rows(write_ticks(tmp_path / "ticks.csv.parquet", table))) == 1
    (tmp_path / "ticks.csv.xz").write_bytes(b"x")
    with pytest.raises(BadTicksError, match=r"name it \.parquet, \.csv, \.csv\.gz, .* or \.avro"):
        rows(tmp_path / "ticks.csv.xz")


def test_mixed_types_in_parquet_name_the_row(tmp_path: Path) -> None:
    prices = [str(i + 1) for i in range(2_000)]
    prices[1_234] = "n/a"
    table = pa.table({"asset_id": ["A"] * 2_000, "price": prices, "timestamp_ns": range(2_000)})
    path = write_ticks(tmp_path / "ticks.parquet", table)
    with pytest.raises(BadTicksError, match=r"row 1235: price is 'n/a', expected double"):
        rows(path)


@given(st.lists(st.integers(1, 10**17), min_size=1), st.integers(0, 17))
def test_a_decimal_is_the_nearest_double(digits: list[int], scale: int) -> None:
    prices = [Decimal(one).scaleb(-scale) for one in digits]
    table = pa.table(
        {
            "asset_id": ["A"] * len(prices),
            "price": pa.array(prices, pa.decimal128(38, 18)),
            "timestamp_ns": range(len(prices)),
        }
    )
    chunks = BatchSource("t", table.to_batches(), Layout()).chunks({})
    assert [one for chunk in chunks for one in chunk.price.tolist()] == [float(p) for p in prices]


def test_a_name_that_columns_share_is_refused_where_it_is_read(tmp_path: Path) -> None:
    columns = [["A"], [1.0], [1], [2.0], ["x"], ["y"]]
    names = ["asset_id", "price", "timestamp_ns", "price", "note", "note"]
    table = pa.Table.from_arrays([pa.array(one) for one in columns], names)
    path = write_ticks(tmp_path / "ticks.parquet", table)
    with pytest.raises(BadTicksError, match=r"more than one column is named price: rename those"):
        rows(path)
    assert len(rows(write_ticks(path, table.remove_column(3)))) == 1


def test_a_truncated_or_damaged_parquet_file(tmp_path: Path) -> None:
    path = write_ticks(tmp_path / "ticks.parquet", random_table(300_000, 3, seed=2))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadTicksError, match=r"ticks\.parquet is cut short.*Copy or write it again"):
        rows(path)
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(4_000) + whole[middle + 4_000 :])
    with pytest.raises(BadTicksError, match=r"row \d{5,6}: the data behind it is damaged"):
        rows(path)
    path.write_text("this is text")
    with pytest.raises(BadTicksError, match=r"is no Parquet file"):
        rows(path)


def test_a_bad_file_leaves_nothing(tmp_path: Path) -> None:
    path = csv(tmp_path, _HEAD + "A,1,5\n" * 1 + "A,2,4\n")
    plan = RunPlan(
        FileSource(path, Layout()), _CONFIG, "float64", EventTime(_CONFIG), tmp_path / "run"
    )
    with pytest.raises(BadTicksError):
        run_backtest(plan)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_that_is_changed_while_it_is_read_is_refused(tmp_path: Path, suffix: str) -> None:
    table, path = random_table(140_000, 3, seed=2), tmp_path / f"ticks.{suffix}"
    write_ticks(path, table) if suffix == "parquet" else table.to_pandas().to_csv(path, index=False)
    source, message = (
        FileSource(path, Layout()),
        f"ticks.{suffix} was changed while .* and read a copy",
    )
    description, in_another_process = source.describe(), pickle.loads(pickle.dumps(source))
    chunks = source.chunks({})
    next(chunks)
    with path.open("a") as file:
        file.write("A,1")  # a row half written
    for reading in (chunks, in_another_process.chunks({})):
        with pytest.raises(BadTicksError, match=message):
            list(reading)
    assert source.describe() == description
    path.unlink()
    with pytest.raises(BadTicksError, match=message):
        list(source.chunks({}))


def test_names_units_and_types_of_others(tmp_path: Path) -> None:
    path = csv(tmp_path, "symbol,last,time\nA,1.5,1700000000123\nB,2,1700000000124\n")
    layout = Layout(
        columns={"asset_id": "symbol", "price": "last", "timestamp_ns": "time"},
        time_unit=TimeUnit.MS,
    )
    ns = 1_700_000_000_123_000_000
    assert rows(path, layout) == [(0, b"A", 1.5, ns), (1, b"B", 2.0, ns + 1_000_000)]
    stamped = pa.table(
        {
            "asset_id": pa.array(["A", "B"]).dictionary_encode(),
            "price": [1, 2],
            "timestamp_ns": pa.array([5, 6], pa.timestamp("us", "UTC")),
        }
    )
    parquet.write_table(stamped, tmp_path / "t.parquet")
    assert rows(tmp_path / "t.parquet") == [(0, b"A", 1.0, 5_000), (1, b"B", 2.0, 6_000)]
    with pytest.raises(BadTicksError, match=r"row 1: time is no time in s: check --time-unit"):
        rows(path, Layout(columns=layout.columns, time_unit=TimeUnit.S))
    with pytest.raises(ReplayError, match="size is no column of ticks"):
        Layout(columns={"size": "b"})
