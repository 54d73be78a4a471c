"""`backtest` in Python answers as the live pipeline does, and gives back what it was given."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import compute

from core import PredictorConfig
from schemas import EVENT_TIME, ResultCodec, SingleObjectFraming
from tests.kafka.feed import random_ticks
from tests.workers.batching.test_pipeline import CONFIG, DECISION, Run
from tests.workers.replay.tables import as_table, bits, random_table
from workers.batching.decisions import Decision
from workers.replay import (
    BadQuotes,
    BadTicksError,
    Layout,
    Repeats,
    ReplayError,
    TicksWarning,
    backtest,
)
from workers.replay.output.tables import RESULTS_SCHEMA

_ALL = settings(max_examples=8, suppress_health_check=list(HealthCheck))


def test_every_field_is_what_the_live_pipeline_publishes() -> None:
    ticks = random_ticks(2_000, 70, seed=21)
    run = Run()
    run.feed(ticks, 300, Decision(EVENT_TIME, DECISION.depth, DECISION.kernel_mask))
    codec = ResultCodec(SingleObjectFraming())
    table = backtest(as_table(ticks), config=CONFIG)
    assert table.num_rows == len(run.values)
    for row, value in zip(table.to_pylist(), run.values, strict=True):
        live = codec.decode(value)
        del live["source_topic"]
        for name in ("weights", "kernel_forecasts"):
            stem = name.removeprefix("kernel_").removesuffix("s")
            live |= {f"{stem}_{k}": x for k, x in zip("abcd", live.pop(name), strict=True)}
        # As text: NaN is not equal to itself, and a double's text tells every bit.
        assert repr(live) == repr({name: row[name] for name in live})
        assert set(row) - set(live) == {"price", "target"}


@_ALL
@given(st.integers(1, 399), st.floats(0.5, 2.0))
def test_no_tick_changes_a_result_before_it(at: int, factor: float) -> None:
    ticks = random_ticks(400, 5, seed=22)
    before = backtest(as_table(ticks))
    ticks.price[at:] *= factor
    assert bits(backtest(as_table(ticks)).slice(0, at)) == bits(before.slice(0, at))


def test_pandas_in_pandas_out() -> None:
    table = random_table(300, 3, seed=23)
    results = backtest(table.to_pandas())
    assert isinstance(results, pd.DataFrame)
    pd.testing.assert_frame_equal(results, backtest(table).to_pandas())


def test_a_column_of_pandas_that_is_not_read_may_hold_anything() -> None:
    table = random_table(30, 2, seed=29)
    frame = table.to_pandas().assign(note=[object(), *range(29)])
    expected = bits(backtest(table))
    assert bits(pa.Table.from_pandas(backtest(frame), schema=RESULTS_SCHEMA)) == expected
    assert sum(map(len, backtest(iter([frame[:9], frame[9:]])))) == 30
    with pytest.raises(BadTicksError, match=r"no column price; it has asset_id, last, timestamp"):
        backtest(frame.rename(columns={"price": "last"}))
    with pytest.raises(BadTicksError, match=r"memory: .*: give each column one type"):
        backtest(frame.assign(price=[1.0, "x", *range(28)]))


def test_an_index_that_is_not_read_may_hold_anything_and_columns_be_numbers() -> None:
    table = random_table(30, 2, seed=29)
    expected = bits(backtest(table))

    def same(frame: pd.DataFrame, layout: Layout | None = None) -> bool:
        results = backtest(frame, layout=layout)
        return bits(pa.Table.from_pandas(results, schema=RESULTS_SCHEMA)) == expected

    assert same(table.to_pandas().set_axis([*range(29), "total"]))
    numbered = table.to_pandas().set_axis([0, 1, 2], axis="columns")
    assert same(numbered, Layout(columns={"asset_id": "0", "price": "1", "timestamp_ns": "2"}))
    numbers: Any = {"asset_id": 0, "price": 1, "timestamp_ns": 2}
    assert same(numbered, Layout(columns=numbers))
    with pytest.raises(BadTicksError, match="no column 7; it has 0, 1, 2"):
        backtest(numbered, layout=Layout(columns=numbers | {"price": 7}))


class _Ours(pd.DataFrame):  # type: ignore[misc]  # pandas has no types here
    """A table of a library that builds on pandas."""


def test_a_table_of_a_derived_class_is_one() -> None:
    frame = random_table(30, 2, seed=29).to_pandas()
    derived = _Ours(frame.assign(note=[object(), *range(29)]))
    pd.testing.assert_frame_equal(backtest(derived), backtest(frame))


def test_what_is_no_table_of_columns_is_told_apart() -> None:
    frame = random_table(30, 2, seed=29).to_pandas()
    lazy = pl.DataFrame(random_table(30, 2, seed=29)).lazy()
    for one in (frame["price"], lazy, pl.Series([1.0])):
        with pytest.raises(ReplayError, match=r"holds no ticks: give .*collect\(\)"):
            backtest(one)
        with pytest.raises(ReplayError, match=r"holds no ticks: give .*collect\(\)"):
            next(backtest([one]))
    with pytest.raises(BadTicksError, match=r"Sparse .*column price.*: give each column one type"):
        backtest(frame.assign(price=pd.arrays.SparseArray(frame["price"])))


def test_times_in_the_index_are_to_be_made_a_column() -> None:
    frame = random_table(30, 2, seed=29).to_pandas()
    times = pd.to_datetime(frame["timestamp_ns"])
    for indexed in (
        frame.set_index("timestamp_ns"),
        frame.set_index(["asset_id", "timestamp_ns"]),
        frame.drop(columns="timestamp_ns").set_axis(times.rename(None)),
    ):
        with pytest.raises(BadTicksError, match=r"no column .*timestamp_ns, .*reset_index\(\)"):
            backtest(indexed)
    assert len(backtest(frame.set_index(times, drop=False))) == 30


def test_polars_in_polars_out_also_piece_by_piece() -> None:
    table = random_table(300, 3, seed=23)
    frame = pl.DataFrame(table)
    results = backtest(frame)
    assert isinstance(results, pl.DataFrame)
    assert bits(pa.table(results).cast(backtest(table).schema)) == bits(backtest(table))
    pieces = list(backtest(frame[start : start + 100] for start in (0, 100, 200)))
    assert all(isinstance(piece, pl.DataFrame) for piece in pieces)
    assert pl.concat(pieces)["predicted_price"].equals(results["predicted_price"])


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["0", "1", "2"])])
def test_categories_are_texts(kind: Any) -> None:
    frame = pl.DataFrame(random_table(60, 3, seed=27)).with_columns(
        pl.col("timestamp_ns").cast(pl.String)
    )
    frame = frame.with_columns(asset_id=pl.Series([str(i % 3) for i in range(60)]))
    coded = frame.with_columns(
        pl.col("asset_id").cast(kind), pl.col("timestamp_ns").cast(pl.Categorical)
    )
    assert backtest(coded).equals(backtest(frame), null_equal=True)


def test_an_empty_category_is_an_empty_cell() -> None:
    table = random_table(3, 1, seed=28)
    assets = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["A", None]))
    with pytest.raises(BadTicksError, match="row 2: asset_id is empty"):
        backtest(table.set_column(0, "asset_id", assets))


def test_a_stream_gives_the_bytes_of_the_whole_and_is_taken_piece_by_piece() -> None:
    table = random_table(900, 7, seed=24)
    taken = []

    def pieces() -> object:
        for start in range(0, 900, 250):
            taken.append(start)
            yield table.slice(start, 250)

    stream = backtest(pieces())
    first = next(stream)
    assert taken == [0]
    assert bits(pa.concat_tables([first, *stream])) == bits(backtest(table))


def test_float32_and_another_configuration_differ() -> None:
    table = random_table(600, 3, seed=25)
    whole = backtest(table)
    assert bits(backtest(table, dtype="float32")) != bits(whole)
    other = PredictorConfig(wtmm_buffer_size=64)
    assert bits(backtest(table, config=other)) != bits(whole)


def test_what_a_worker_would_bury_is_left_out() -> None:
    table = random_table(20, 2, seed=26).to_pandas()
    table.loc[[3, 7], "price"] = [-1.0, np.inf]
    refused = "rows that are no ticks: {}, the first is row {}: price is"
    with pytest.warns(TicksWarning, match=refused.format(2, 4)):
        found = backtest(table)
    assert found["source_offset"].tolist() == [i for i in range(20) if i not in (3, 7)]
    layout = Layout(allow_nonpositive_prices=True)
    with pytest.warns(TicksWarning, match=refused.format(1, 8)):
        assert len(backtest(table, layout=layout)) == 19


@pytest.mark.parametrize("piece_rows", [None, 2])
def test_what_was_left_out_and_another_unit_are_warned_of(piece_rows: int | None) -> None:
    quotes = pa.table(
        {
            "asset_id": ["A"] * 4,
            "bid": [1.0, 1.0, 3.0, 1.0],
            "ask": [2.0] * 4,
            "timestamp_ns": [1_700_000_000_000 + i for i in (0, 0, 1, 2)],
        }
    )
    layout = Layout(mid=True, repeats=Repeats.DROP, bad_quotes=BadQuotes.DROP)
    with pytest.warns(TicksWarning) as told:
        if piece_rows is None:
            assert len(backtest(quotes, layout=layout)) == 2
        else:
            pieces = quotes.to_batches(piece_rows)
            assert sum(map(len, backtest(pieces, layout=layout))) == 2
    assert [str(one.message) for one in told] == [
        "1 repeated rows were dropped",
        "1 quotes without mid were dropped",
        "the first tick is of 1970-01-01 00:28:20: if it is not, say its unit, as in "
        "--time-unit ms (in Python Layout(time_unit='ms'))",
    ]
    assert {one.filename for one in told} == {__file__}


def test_something_else_is_refused() -> None:
    with pytest.raises(ReplayError, match="int holds no ticks: give a pandas"):
        backtest(3)
    with pytest.raises(BadTicksError, match="memory: no column asset_id, price"):
        backtest(pa.table({"timestamp_ns": [1]}))
    table = random_table(9, 2, seed=27)
    with pytest.raises(ReplayError, match="dict holds no ticks: give a pandas"):
        list(backtest(table.to_pylist()))
    for name, column, message in (
        ("price", pa.array([True] * 9), "row 1: price is of type bool, no number"),
        ("timestamp_ns", pa.array([10**18] * 9, pa.timestamp("s")), "is 1000000000000000000 s si"),
    ):
        odd = table.set_column(table.column_names.index(name), name, column)
        with pytest.raises(BadTicksError, match=message):
            backtest(odd)


def test_what_is_encoded_in_runs_is_read() -> None:
    table = random_table(300, 2, seed=28)
    runs = {name: compute.run_end_encode(table[name]) for name in ("asset_id", "price")}
    encoded = pa.table(table.to_pydict() | runs)
    assert bits(backtest(encoded)) == bits(backtest(table))
