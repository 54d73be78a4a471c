"""Ticks that were answered and are gone by the time a replay needs them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from schemas.contracts import contract
from tests.sim.broker import Entry
from tests.sim.patches import simulated
from tests.sim.test_lives import KNOWS, Shop
from workers import MissingHistory
from workers.errors import HistoryLostError


class Compacted(Shop):
    """Ten ticks in two micro-batches, answered and in no snapshot; then some of them are gone."""

    def answer_and_lose(self, *offsets: int) -> None:
        for answered in (5, 10):
            self.feed(contract("Tick"))
            if answered == 5:
                self.live(KNOWS)
            self.until(lambda answered=answered: len(self.sequences()) == answered)  # type: ignore[misc]
        log = self.broker.log("ticks", 0)
        for offset in offsets:
            log.entries[offset] = Entry(offset, None, None, marker=True)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compacted]:
    found = Compacted(monkeypatch)
    with simulated(found.world, lambda: found.broker.now_s):
        yield found


ANSWERED = list(range(1, 11))


@pytest.mark.parametrize(
    "gone",
    [(0,), (4,), (5,), (9,), (1, 2, 3, 4), tuple(range(9)), tuple(range(10))],
    ids=["first", "end", "begin", "last", "some", "but the last", "all"],
)
def test_a_partition_whose_answered_ticks_are_gone_stops(
    shop: Compacted, gone: tuple[int, ...]
) -> None:
    shop.answer_and_lose(*gone)
    shop.feed(contract("Tick"))
    shop.live(KNOWS)
    shop.until(lambda: bool(shop.stopped))
    [error] = shop.stopped
    assert isinstance(error, HistoryLostError)
    assert (error.partition, error.offset) == (0, next(n for n in gone if n in {0, 4, 5, 9}))
    assert "compacted" in str(error) and "cleanup.policy to delete" in str(error)
    for _ in range(200):
        shop.go_on()
    assert shop.sequences() == ANSWERED, "it answers nothing from a wrong state"


@pytest.mark.parametrize(
    "gone",
    [(9,), (8, 9), tuple(range(5, 10)), tuple(range(10))],
    ids=["last", "two", "half", "all"],
)
def test_so_does_one_that_no_later_tick_reaches(shop: Compacted, gone: tuple[int, ...]) -> None:
    shop.answer_and_lose(*gone)
    shop.live(KNOWS)
    shop.until(lambda: bool(shop.stopped))
    [error] = shop.stopped
    assert isinstance(error, HistoryLostError)
    assert (error.partition, error.offset) == (0, next(n for n in gone if n in {0, 4, 5, 9}))


@pytest.mark.parametrize("gone", [4, 9])
def test_it_goes_on_without_its_state_where_that_is_set_and_answers_nothing_twice(
    shop: Compacted, gone: int
) -> None:
    shop.config = replace(shop.config, missing_history=MissingHistory.COLD_START)
    shop.answer_and_lose(gone)
    shop.live(KNOWS)
    shop.until(lambda: shop.broker.committed[0][0] == 10)
    shop.feed(contract("Tick"))
    shop.until(lambda: len(shop.sequences()) == 15)
    assert shop.sequences() == [*ANSWERED, 1, 2, 3, 4, 5], "its asset is new again"
    shop.live(KNOWS)
    shop.feed(contract("Tick"))
    shop.until(lambda: len(shop.sequences()) == 20)
    assert shop.sequences()[-5:] == [6, 7, 8, 9, 10]
    assert shop.stopped == []
