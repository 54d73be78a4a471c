"""Layouts that tick files come in: quotes, one asset, times of every kind."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.replay.files.test_bad_files import csv, rows
from tests.workers.replay.tables import write_ticks
from workers.replay import (
    BadQuotes,
    BadTicksError,
    FileSource,
    Layout,
    Repeats,
    ReplayError,
    TicksWarning,
    TimeUnit,
    backtest,
)
from workers.replay.files.quotes import QuoteCheck

_NS = 1_377_993_600_000_000_000  # 2013-09-01T00:00Z


def times(folder: Path, *cells: str, layout: Layout | None = None) -> list[int]:
    """Nanoseconds of times that a CSV file shows so."""
    text = "".join(f"A,{i + 1},{cell}\n" for i, cell in enumerate(cells))
    path = csv(folder, "asset_id,price,timestamp_ns\n" + text)
    return [row[3] for row in rows(path, layout)]


@pytest.mark.parametrize(
    ("cell", "unit", "expected"),
    [
        ("1377993600000000001", TimeUnit.NS, _NS + 1),
        ("1377993600000001", TimeUnit.US, _NS + 1_000),
        ("1377993600001", TimeUnit.MS, _NS + 1_000_000),
        ("1377993600", TimeUnit.S, _NS),
        ("1377993600.25", TimeUnit.S, _NS + 250_000_000),
        ("1377993600.123456789", TimeUnit.S, _NS + 123_456_789),
        ("1377993600.1234567895", TimeUnit.S, _NS + 123_456_790),
        ("1377993600.1234567890000000000009", TimeUnit.S, _NS + 123_456_789),
        ("1.377993600000000001E+9", TimeUnit.S, _NS + 1),
        ("1377993600123.456789", TimeUnit.MS, _NS + 123_456_789),
        ("1377993600123456.789", TimeUnit.US, _NS + 123_456_789),
        ("2013-09-01T00:00:00Z", TimeUnit.NS, _NS),
        ("2013-09-01 00:00:00.123456789", TimeUnit.NS, _NS + 123_456_789),
        ("2013-09-01T02:00:00.5+02:00", TimeUnit.MS, _NS + 500_000_000),
    ],
)
def test_times(tmp_path: Path, cell: str, unit: TimeUnit, expected: int) -> None:
    assert times(tmp_path, cell, layout=Layout(time_unit=unit)) == [expected]


@pytest.mark.parametrize(
    ("cell", "unit", "first"),
    [
        ("1377993600000", TimeUnit.NS, "1970-01-01 00:22:57"),
        ("1377993600", TimeUnit.MS, "1970-01-16 22:46:33"),
        ("1377993600000", TimeUnit.MS, None),
        ("1985-01-01T00:00:00Z", TimeUnit.NS, None),
    ],
)
def test_times_read_in_too_small_a_unit_are_warned_of(
    tmp_path: Path, cell: str, unit: TimeUnit, first: str | None
) -> None:
    path = csv(tmp_path, f"asset_id,price,timestamp_ns\nA,-1,{cell}\nA,1,{cell}\n")
    source = FileSource(path, Layout(time_unit=unit, unsorted=True))
    list(source.chunks({}))
    refused, *others = source.warnings
    assert refused.startswith("rows that are no ticks: 1, the first is row 1: price is -1.0")
    says = r"say its unit, as in --time-unit ms (in Python Layout(time_unit='ms'))"
    assert others == ([f"the first tick is of {first}: if it is not, {says}"] if first else [])


def test_times_before_1970_are_no_ticks_and_in_order(tmp_path: Path) -> None:
    path = csv(tmp_path, "asset_id,price,timestamp_ns\nA,1,-7\nA,1,-1\nA,1,5\n")
    (chunk,) = FileSource(path, Layout()).chunks({})
    assert chunk.accepted.tolist() == [False, False, True]
    assert [one.error_class for one in chunk.refused] == ["InvalidTimestamp"] * 2


def test_times_of_a_zone(tmp_path: Path) -> None:
    madrid = Layout(time_zone="Europe/Madrid")
    assert times(tmp_path, "2013-09-01T02:00:00", "2013-09-01T02:00:01.5", layout=madrid) == [
        _NS,
        _NS + 1_500_000_000,
    ]
    naive = pa.array([_NS // 1_000 + 7_200_000_000], pa.timestamp("us"))
    aware = pa.array([_NS // 1_000_000], pa.timestamp("ms", "America/New_York"))
    for stamps in (naive, aware):
        table = pa.table({"asset_id": ["A"], "price": [1.0], "timestamp_ns": stamps})
        path = write_ticks(tmp_path / "t.parquet", table)
        assert [row[3] for row in rows(path, madrid)] == [_NS]
    for text in ("2013-10-27T02:30:00", "2013-03-31T02:30:00"):
        with pytest.raises(BadTicksError, match=r"row 2: .* had twice or never: write times with"):
            times(tmp_path, "2013-01-01T00:00:00", text, layout=madrid)
    with pytest.raises(ReplayError, match="'Europe/Nowhere' is no time zone"):
        Layout(time_zone="Europe/Nowhere")
    (known,) = times(tmp_path, "2037-07-01T02:00:00", layout=madrid)
    assert known == times(tmp_path, "2037-07-01T00:00:00Z")[0]
    with pytest.raises(BadTicksError, match=r"row 2: .* Europe/Madrid has from 2038 on is not kn"):
        times(tmp_path, "2037-12-31T23:59:59", "2038-07-01T02:00:00", layout=madrid)
    assert times(tmp_path, "2038-07-01T02:00:00+02:00", layout=madrid)


def test_a_double_is_the_time_that_it_is_written_as(tmp_path: Path) -> None:
    stamps = np.array([1377993600.123457, 1377993600.123458, 1377993601.0])
    table = pa.table({"asset_id": ["A"] * 3, "price": [1.0] * 3, "timestamp_ns": stamps})
    path = write_ticks(tmp_path / "t.parquet", table)
    found = [row[3] for row in rows(path, Layout(time_unit=TimeUnit.S))]
    assert found == [_NS + 123_457_000, _NS + 123_458_000, _NS + 1_000_000_000]
    # Seconds since the start of something are as exact as ever.
    early = np.array([1e-20, 0.00068, 0.25, 3_600.000000001])
    table = table.set_column(2, "timestamp_ns", [early[:3]])
    assert [row[3] for row in rows(write_ticks(path, table), Layout(time_unit=TimeUnit.S))] == [
        0,
        680_000,
        250_000_000,
    ]
    table = table.set_column(2, "timestamp_ns", [early[1:]])
    found = [row[3] for row in rows(write_ticks(path, table), Layout(time_unit=TimeUnit.S))]
    assert found[-1] == 3_600_000_000_001
    for bad in (np.nan, np.inf, 1e10):
        table = pa.table({"asset_id": ["A"], "price": [1.0], "timestamp_ns": [bad]})
        path = write_ticks(tmp_path / "bad.parquet", table)
        with pytest.raises(BadTicksError, match=r"row 1: timestamp_ns is no time in s"):
            rows(path, Layout(time_unit=TimeUnit.S))


def test_a_decimal_is_read_to_the_nanosecond() -> None:
    stamps = pa.array([Decimal("1377993600"), Decimal("1377993600.123456789")])
    for kind in (stamps.type, pa.decimal256(60, 40)):
        table = pa.table({"asset_id": ["A"] * 2, "price": [1.0] * 2})
        table = table.append_column("timestamp_ns", stamps.cast(kind))
        found = backtest(table, layout=Layout(time_unit=TimeUnit.S))
        assert found["timestamp_ns"].to_pylist() == [_NS, _NS + 123_456_789]
    with pytest.raises(BadTicksError, match=r"row 2: .* expected a whole number"):
        backtest(table)


def test_doubles_of_nanoseconds_are_refused_where_they_are_rounded() -> None:
    whole = pa.table({"asset_id": ["A"] * 2, "price": [1.0] * 2, "timestamp_ns": [1.0, 2.0**53]})
    with pytest.warns(TicksWarning, match="the first tick is of 1970"):
        assert backtest(whole)["timestamp_ns"].to_pylist() == [1, 2**53]
    rounded = whole.set_column(2, "timestamp_ns", [[2.0**53, float(_NS)]])
    with pytest.raises(BadTicksError, match=rf"row 2: timestamp_ns is {_NS} as a double, which"):
        backtest(rounded)


def test_fractions_may_follow_whole_numbers(tmp_path: Path) -> None:
    seconds = Layout(time_unit=TimeUnit.S)
    cells = ("1377993600", "1377993600.25", "1377993601")
    expected = [_NS, _NS + 250_000_000, _NS + 1_000_000_000]
    assert times(tmp_path, *cells, layout=seconds) == expected
    with pytest.raises(BadTicksError, match=r"row 3: timestamp_ns is 'soon', expected a time like"):
        times(tmp_path, *cells[:2], "soon", layout=seconds)
    with pytest.raises(BadTicksError, match=r"row 2: timestamp_ns is '1377993600\.25', expected"):
        times(tmp_path, *cells)


def test_times_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadTicksError, match=r"row 1: timestamp_ns is '01\.09\.2013', no time"):
        times(tmp_path, "01.09.2013")
    with pytest.raises(BadTicksError, match=r"row 2: .* is '2013-09-01', expected a time like"):
        times(tmp_path, "2013-09-01T00:00:00Z", "2013-09-01")
    with pytest.raises(BadTicksError, match=r"row 1: timestamp_ns is '9999-01-01', no time"):
        times(tmp_path, "9999-01-01")


@pytest.mark.parametrize("kind", [pa.duration("ms"), pa.time64("us"), pa.date32(), pa.bool_()])
def test_what_is_no_point_in_time_is_no_number(tmp_path: Path, kind: Any) -> None:
    stamps = pa.array([0, 0], pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    table = pa.table({"asset_id": ["A", "A"], "price": [1.0, 2.0], "timestamp_ns": stamps})
    with pytest.raises(BadTicksError, match=rf"timestamp_ns is of type {re.escape(str(kind))}, no"):
        rows(write_ticks(tmp_path / "t.parquet", table))


def test_one_asset_and_quotes(tmp_path: Path) -> None:
    text = "time,bid,ask\n1,10,10.5\n2,,10.5\n3,11,10.5\n4,0,10.5\n5,10.5,10.5\n"
    path = csv(tmp_path, text)
    layout = Layout(
        columns={"timestamp_ns": "time"}, asset="ES", mid=True, bad_quotes=BadQuotes.DROP
    )
    assert rows(path, layout) == [(0, b"ES", 10.25, 1), (4, b"ES", 10.5, 5)]
    source = FileSource(path, layout)
    list(source.chunks({}))
    assert source.warnings[0] == "3 quotes without mid were dropped"
    strict = Layout(columns={"timestamp_ns": "time"}, asset="ES", mid=True)
    with pytest.raises(BadTicksError, match=r"row 2: bid nan and ask 10\.5 have no mid, one side"):
        rows(path, strict)
    path.write_text(text.replace("2,,10.5\n", ""))
    with pytest.raises(BadTicksError, match=r"row 2: bid 11 .* it is crossed: correct .* drop"):
        rows(path, strict)
    with pytest.raises(BadTicksError, match=r"no column bid, ask; it has time, last"):
        rows(csv(tmp_path, "time,last\n1,2\n"), strict)


@given(st.floats(1e-3, 1e6), st.floats(0.0, 10.0))
def test_a_mid_lies_between_its_sides(bid: float, spread: float) -> None:
    ask = bid + spread
    price, kept = QuoteCheck("t", Layout(mid=True)).mid(
        np.array([bid]), np.array([ask]), first_row=0
    )
    assert kept.all()
    assert bid <= price[0] <= ask


def test_choices_may_be_texts(tmp_path: Path) -> None:
    texts: dict[str, Any] = {"repeats": "keep", "bad_quotes": "drop", "time_unit": "ms"}
    chosen = Layout(repeats=Repeats.KEEP, bad_quotes=BadQuotes.DROP, time_unit=TimeUnit.MS)
    assert repr(Layout(**texts)) == repr(chosen)
    path = csv(tmp_path, "asset_id,bid,ask,timestamp_ns\nA,1,2,5\nA,1,2,5\nA,3,2,6\n")
    assert len(rows(path, Layout(mid=True, **texts))) == 2
    for name, message in (("repeats", "row 2 repeats a row above"), ("bad_quotes", "no mid")):
        with pytest.raises(BadTicksError, match=message):
            rows(path, Layout(mid=True, **texts | {name: "refuse"}))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"asset": "A", "columns": {"asset_id": "s"}}, "either one asset for the whole table"),
        ({"columns": {"bid": "b"}}, "are read for their middle only: say --mid"),
        ({"mid": True, "columns": {"price": "p"}}, "either the mid, or a column for the price"),
        ({"repeats": "foo"}, "repeats is 'foo': write one of refuse, drop, keep"),
        ({"repeats": "drop", "unsorted": True}, "repeats = drop needs rows in order of time"),
        ({"repeats": "refuse", "unsorted": True}, "repeats = refuse needs rows in order of time"),
        ({"time_unit": "m"}, "time_unit is 'm': write one of ns, us, ms, s"),
        ({"bad_quotes": None}, "bad_quotes is None: write one of refuse, drop"),
    ],
)
def test_layouts_that_contradict_themselves(given_: dict[str, object], message: str) -> None:
    with pytest.raises(ReplayError, match=message):
        Layout(**given_)  # type: ignore[arg-type]


def test_the_one_asset_has_a_name_that_a_tick_may_have() -> None:
    for name in ("", "a" * 257):
        with pytest.raises(ReplayError, match=r"name has \d+ bytes, allowed are 1 to 256"):
            Layout(asset=name)
    assert Layout(asset="a" * 256).asset
