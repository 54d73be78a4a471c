"""An unclean election takes answered ticks: the log is cut, and the topic is the same one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from schemas import ResultCodec
from tests.sim.patches import simulated
from tests.sim.test_another_journal import answer, stops
from tests.sim.test_lives import KNOWS, Shop
from workers import MissingHistory


class Cut(Shop):
    """Ten ticks answered, the last five of which are gone."""

    def answer_and_cut(self, *, at_work: bool) -> None:
        self.live(KNOWS)
        answer(self)
        answer(self, 10)
        self.rest()
        self.broker.log("ticks", 0).cut(5)
        if not at_work:
            self.live(KNOWS)

    def rest(self) -> None:
        """Until nothing is under way."""
        for _ in range(400):
            self.go_on()

    def offsets(self) -> list[int]:
        """Of the ticks answered."""
        found = self.broker.log("predictions", 0).visible(0, 1_000)
        codec = ResultCodec(KNOWS)
        return [codec.decode(entry.value or b"")["source_offset"] for entry in found]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    found = Cut(monkeypatch)
    with simulated(found.world, lambda: found.broker.now_s):
        yield found


AT_WORK = pytest.mark.parametrize("at_work", [True, False], ids=["at work", "at a restart"])
ANSWERED = list(range(10))


@AT_WORK
@pytest.mark.parametrize("snapshot_interval_s", [0.05, 9_999.0], ids=["snapshots", "none yet"])
def test_where_it_may_go_on_no_tick_that_is_left_is_answered_again(
    shop: Cut, snapshot_interval_s: float, at_work: bool
) -> None:
    shop.config = replace(
        shop.config,
        missing_history=MissingHistory.COLD_START,
        snapshot_interval_s=snapshot_interval_s,
    )
    shop.answer_and_cut(at_work=at_work)
    shop.rest()
    assert shop.offsets() == ANSWERED
    answer(shop, 15)
    shop.live(KNOWS)
    answer(shop, 20)
    assert shop.offsets() == [*ANSWERED, *range(5, 15)], "new ticks, some at offsets of lost ones"
    assert shop.sequences()[10:] == list(range(1, 11)), "from empty state"
    assert shop.stopped == []


@AT_WORK
def test_else_the_partition_stops(shop: Cut, at_work: bool) -> None:
    shop.answer_and_cut(at_work=at_work)
    stops(shop, "the input is gone" if at_work else "recreated or truncated")
    assert shop.offsets() == ANSWERED
