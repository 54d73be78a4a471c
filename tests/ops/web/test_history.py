"""The history of an asset: what a point stands for, what it forgets."""

from typing import Any

from ops.web.history import BUCKET_NS, HISTORY_POINTS, History
from tests.ops.web.made_up import START_NS, result


def _values(price: float, drift: float = 0.0) -> dict[str, Any]:
    return {**result("A", 0), "price": price, "cusum_drift": drift}


def test_a_point_is_the_last_tick_of_its_half_second_with_the_largest_statistic() -> None:
    history = History()
    for tick, (price, drift) in enumerate([(1.0, 2.0), (2.0, 7.0), (3.0, 1.0), (4.0, 0.0)]):
        history.add(START_NS + tick * BUCKET_NS // 3, _values(price, drift))
    columns = history.columns()
    assert columns["price"] == [3.0, 4.0]
    assert columns["cusum_drift"] == [7.0, 0.0]
    assert columns["at_ms"] == [(START_NS + 2 * BUCKET_NS // 3) / 1e6, (START_NS + BUCKET_NS) / 1e6]


def test_memory_is_bounded_and_a_reader_gets_only_what_it_lacks() -> None:
    history = History()
    for tick in range(HISTORY_POINTS + 20):
        history.add(START_NS + tick * BUCKET_NS, _values(float(tick)))
    columns = history.columns()
    assert columns["first"] == 20
    assert columns["price"] == [float(tick) for tick in range(20, HISTORY_POINTS + 20)]
    newest = history.columns(since=HISTORY_POINTS + 18)
    assert newest["first"] == HISTORY_POINTS + 18
    assert newest["price"] == [HISTORY_POINTS + 18.0, HISTORY_POINTS + 19.0]
    assert history.columns(since=HISTORY_POINTS + 20)["price"] == []
    assert history.prices(3) == [20.0, 259.0, HISTORY_POINTS + 19.0]


def test_a_tick_a_little_late_joins_the_newest_point_and_the_past_begins_anew() -> None:
    history = History()
    history.add(START_NS, _values(1.0))
    history.add(START_NS - 10 * BUCKET_NS, _values(2.0))
    assert history.columns()["price"] == [2.0]
    assert history.columns()["at_ms"] == [START_NS / 1e6]
    history.add(START_NS - 3_600_000_000_000, _values(3.0))
    assert history.columns()["price"] == [3.0]


def test_what_is_no_number_is_none() -> None:
    history = History()
    history.add(START_NS, _values(float("nan")))
    assert history.columns()["price"] == [None]
    assert history.prices(5) == [None]
