"""Times of pandas that are objects: to the nanosecond, and never in the wrong zone."""

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workers.replay import BadTicksError, Layout, backtest

_NS = 1_700_000_000_000_000_000 + np.array([1, 2, 3, 1_005, 2_007])
_STAMPS = [pd.Timestamp(int(ns)) for ns in _NS]


def frame(times: Any) -> pd.DataFrame:
    column = pd.Series(times, dtype=object)
    return pd.DataFrame({"asset_id": "A", "price": 1.5, "timestamp_ns": column})


@pytest.mark.parametrize(
    "times",
    [
        _STAMPS,
        [stamp.tz_localize("UTC").tz_convert("Asia/Tokyo") for stamp in _STAMPS],
        [
            stamp.tz_localize("UTC").tz_convert("Asia/Tokyo" if at % 2 else "UTC")
            for at, stamp in enumerate(_STAMPS)
        ],
        [stamp.to_datetime64() for stamp in _STAMPS],
    ],
    ids=["naive", "of one zone", "of two zones", "numpy's"],
)
def test_they_keep_their_nanoseconds(times: Any) -> None:
    assert backtest(frame(times))["timestamp_ns"].tolist() == _NS.tolist()


def test_those_that_name_no_zone_are_of_the_layouts() -> None:
    tokyo = backtest(frame(_STAMPS), layout=Layout(time_zone="Asia/Tokyo"))
    assert (_NS - tokyo["timestamp_ns"]).tolist() == [9 * 3_600 * 10**9] * len(_NS)


@pytest.mark.parametrize("first", [0, 1])
def test_a_mix_with_and_without_a_zone_is_refused(first: int) -> None:
    mixed = [
        stamp if at % 2 == first else stamp.tz_localize("UTC") for at, stamp in enumerate(_STAMPS)
    ]
    with pytest.raises(BadTicksError, match=r"some of timestamp_ns name a time zone and some do"):
        backtest(frame(mixed))


def test_an_empty_one_is_told_by_its_row() -> None:
    with pytest.raises(BadTicksError, match=r"row 2: timestamp_ns is empty"):
        backtest(frame([_STAMPS[0], None, _STAMPS[2]]))


def test_what_has_no_one_type_is_told() -> None:
    with pytest.raises(BadTicksError, match="timestamp_ns"):
        backtest(frame([datetime(9999, 1, 1), _STAMPS[0]]))
    with pytest.raises(BadTicksError, match="timestamp_ns"):
        backtest(frame([date(2024, 1, 1), 5]))
