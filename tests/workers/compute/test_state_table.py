"""Rows that change places: nothing that a caller sees may tell."""

from typing import Any

import numpy as np
import pytest

from core import PredictorConfig
from tests.core.ticks import packed
from workers.compute import places
from workers.compute.placing import Exchange, next_exchange
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable

CONFIG = PredictorConfig(dgm_every=3)


@pytest.fixture(autouse=True)
def moves(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """What is moved. Rows are eager to: after few ticks, and for a call saved."""
    monkeypatch.setattr(places, "_WINDOW_TICKS", 100)
    monkeypatch.setattr(places, "_WINDOW_TICKS_A_ROW", 0)
    monkeypatch.setattr(places, "_WINDOW_BATCHES", 2)
    monkeypatch.setattr(places, "_LEAST_GAIN", 0.0)
    monkeypatch.setattr(places, "_REPAID_WINDOWS", 1_000)
    made: list[Exchange] = []

    def recorded(*arguments: Any) -> Exchange | None:
        exchange = next_exchange(*arguments)
        if exchange is not None:
            made.append(exchange)
        return exchange

    monkeypatch.setattr(places, "next_exchange", recorded)
    return made


class Twins:
    """A table whose rows move and one whose rows stay, treated alike and compared all the time."""

    def __init__(self, dtype: str) -> None:
        self.moving = StateTable(CONFIG, dtype)
        self.still = StateTable(CONFIG, dtype, by_activity=False)
        # Of each asset: its row in the one table and in the other, and its activity.
        self.rows = np.zeros((2, 0), dtype=np.int64)
        self.rate = np.zeros(0)
        self.rng = np.random.default_rng(11)

    def allocate(self, count: int) -> None:
        self._hold(self.moving.allocate(count), self.still.allocate(count))

    def restore(self, states: np.ndarray, sequence: np.ndarray) -> None:
        stamps = np.arange(len(states))
        self._hold(*(table.restore(states, stamps, sequence) for table in self._tables()))

    def release(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Give some rows back; their state and how many ticks each has had."""
        gone = self.rng.permutation(self.rate.size)[:count]
        state = self.states(gone)
        sequence = self.moving.sequence[self.rows[0, gone]]
        for table, rows in zip(self._tables(), self.rows, strict=True):
            table.release(rows[gone])
        self.rows = np.delete(self.rows, gone, axis=1)
        self.rate = np.delete(self.rate, gone)
        return state, sequence

    def states(self, assets: np.ndarray) -> np.ndarray:
        moving, still = (
            table.copy(rows[assets]) for table, rows in zip(self._tables(), self.rows, strict=True)
        )
        assert moving.tobytes() == still.tobytes()
        return moving

    def feed(self, ticks: int) -> None:
        assets = self.rng.choice(self.rate.size, ticks, p=self.rate / self.rate.sum())
        prices = 100.0 + np.cumsum(self.rng.normal(size=ticks))
        columns = np.stack([packed(price)[:, 0] for price in prices], axis=1)
        outputs = []
        for table, rows in zip(self._tables(), self.rows[:, assets], strict=True):
            order = order_by_row(rows)
            outputs.append(table.step(order, columns, np.zeros_like(rows)).tobytes())
            table.sequence[rows] = table.sequence[rows] + order.rank + 1
        assert outputs[0] == outputs[1]

    def _tables(self) -> tuple[StateTable, StateTable]:
        return self.moving, self.still

    def _hold(self, *rows: np.ndarray) -> None:
        self.rows = np.concatenate([self.rows, rows], axis=1)
        self.rate = np.append(self.rate, self.rng.random(len(rows[0])) ** -0.6)  # heavy-tailed


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moving_rows_do_not_show_in_a_single_bit(dtype: str, moves: list[Exchange]) -> None:
    twins = Twins(dtype)
    twins.allocate(300)
    for turn in range(6):
        twins.rate = twins.rng.permutation(twins.rate)  # who was busy need not be any more
        for _ in range(20):
            twins.feed(int(twins.rng.integers(20, 150)))
        gone = twins.release(40 + 30 * turn)
        twins.feed(60)
        twins.allocate(90)
        twins.feed(60)
        twins.restore(*gone)
    twins.states(np.arange(twins.rate.size))
    assert len(moves) > 50


def test_assets_of_a_snapshot_share_tiles_with_their_like_from_the_start() -> None:
    table = StateTable(CONFIG, "float64")
    states = table.copy(table.allocate(1)).repeat(200, axis=0)
    sequence = np.where(np.arange(200) % 5 == 0, 1_000, 10)
    rows = table.restore(states, np.zeros(200, dtype=np.int64), sequence)
    busy = order_by_row(rows[sequence == 1_000])
    before = table.calls
    columns = np.repeat(packed(100.0)[:, :1], busy.rows.size, axis=1)
    table.step(busy, columns, np.zeros_like(busy.rows))
    assert table.calls - before == 1


def test_training_that_is_due_stays_due_while_rows_move(moves: list[Exchange]) -> None:
    """No tick comes between a move and the look at the state, so the training is done there."""
    twins = Twins("float64")
    twins.allocate(200)
    for _ in range(40):
        twins.feed(80)
        twins.states(twins.rng.permutation(200)[:20])
    assert len(moves) > 10
