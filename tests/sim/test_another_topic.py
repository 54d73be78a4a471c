"""The ticks topic is deleted and created anew under a worker, and outgrows its position."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from schemas.contracts import contract
from tests.sim.patches import simulated
from tests.sim.test_another_journal import answer, stops
from tests.sim.test_lives import KNOWS, Shop
from workers import MissingHistory


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    found = Shop(monkeypatch)
    with simulated(found.world, lambda: found.broker.now_s):
        yield found


def create_anew(shop: Shop) -> None:
    """With 15 ticks: the client goes on at 5, and says nothing."""
    shop.broker.create_anew("ticks")
    for _ in range(3):
        shop.feed(contract("Tick"))
    shop.until(lambda: len(shop.sequences()) == 15)


def test_it_is_noticed_at_work(shop: Shop) -> None:
    shop.live(KNOWS)
    answer(shop)
    create_anew(shop)
    stops(shop, "the ticks topic was created anew")
    assert "Start a new group" in str(shop.stopped[0])
    shop.feed(contract("Tick"))
    for _ in range(200):
        shop.go_on()
    assert len(shop.sequences()) == 15


def test_before_the_first_snapshot_the_next_life_is_not_led_on_by_the_journal(shop: Shop) -> None:
    shop.live(KNOWS)
    answer(shop)
    create_anew(shop)
    shop.live(KNOWS)
    stops(shop, "what was answered is of another topic")
    assert len(shop.sequences()) == 15


def test_where_it_may_go_on_without_its_state_no_tick_comes_twice(shop: Shop) -> None:
    shop.config = replace(shop.config, missing_history=MissingHistory.COLD_START)
    shop.live(KNOWS)
    answer(shop)
    create_anew(shop)
    shop.until(lambda: shop.broker.committed.get(0, (0, ""))[0] == 15)
    answer(shop, 20)
    assert shop.sequences()[15:] == [1, 2, 3, 4, 5], "from empty state"
    assert shop.stopped == []
