"""A group without a snapshot whose journal is gone: another topic, or the same created anew."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from schemas.contracts import contract
from tests.sim.patches import simulated
from tests.sim.test_lives import KNOWS, Shop
from workers import MissingHistory
from workers.errors import HistoryLostError


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    found = Shop(monkeypatch)
    with simulated(found.world, lambda: found.broker.now_s):
        yield found


ANSWERED = [1, 2, 3, 4, 5]


def answer(shop: Shop, count: int = 5) -> None:
    """Five ticks more."""
    shop.feed(contract("Tick"))
    shop.until(lambda: len(shop.sequences()) == count)


def lose_journal(shop: Shop) -> None:
    del shop.broker._logs["journal", 0]


def stops(shop: Shop, words: str) -> None:
    shop.until(lambda: bool(shop.stopped))
    [error] = shop.stopped
    assert isinstance(error, HistoryLostError)
    assert words in str(error)
    for _ in range(200):
        shop.go_on()


def test_beside_a_commit_that_tells_of_answers_an_empty_journal_stops_the_partition(
    shop: Shop,
) -> None:
    shop.live(KNOWS)
    answer(shop)
    lose_journal(shop)
    shop.live(KNOWS)
    stops(shop, "topics.journal names another topic")
    assert shop.sequences() == ANSWERED, "nothing is answered twice"


def test_so_does_one_that_was_created_anew_under_the_worker(shop: Shop) -> None:
    shop.live(KNOWS)
    answer(shop)
    lose_journal(shop)
    answer(shop, 10)
    shop.live(KNOWS)
    stops(shop, "no journal record covers input offset 0")
    assert shop.sequences() == [*ANSWERED, 6, 7, 8, 9, 10]


def test_where_it_may_go_on_without_its_state_it_begins_at_the_end_of_the_input(
    shop: Shop,
) -> None:
    shop.config = replace(shop.config, missing_history=MissingHistory.COLD_START)
    shop.live(KNOWS)
    answer(shop)
    lose_journal(shop)
    shop.live(KNOWS)
    shop.until(lambda: shop.broker.committed.get(0) == (5, ""))
    answer(shop, 10)
    shop.until(lambda: shop.broker.committed[0][1].startswith("journal=0 "))
    assert shop.sequences() == ANSWERED * 2, "its asset is new again, and no tick comes twice"
    assert shop.stopped == []


def test_before_anything_is_answered_an_empty_journal_is_as_it_should_be(shop: Shop) -> None:
    shop.live(KNOWS)
    shop.until(lambda: 0 in shop.broker.committed)
    assert shop.broker.committed[0] == (0, "")
    lose_journal(shop)
    shop.live(KNOWS)
    answer(shop)
    assert shop.sequences() == ANSWERED
    assert shop.stopped == []
