"""Training beside the tiles: how networks are gathered, and when, must not show in a single bit."""

import numpy as np
import pytest

from core import (
    NETWORK_ROWS,
    FunctionalPredictor,
    Input,
    Kernel,
    MarketObservation,
    Output,
    PredictorConfig,
    asset_layout,
    compile_trainer,
)
from tests.core.ticks import packed
from workers.compute import together
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable

CONFIG = PredictorConfig(dgm_every=3)
ASSETS = 70  # more than a tile
RNG = np.random.default_rng(17)
ROWS = RNG.integers(0, ASSETS, 1500)
PRICES = 100.0 + np.cumsum(RNG.normal(size=(1500,)))


def columns(first: int, last: int, mask: int = 15) -> np.ndarray:
    return np.stack([packed(p, mask=mask)[:, 0] for p in PRICES[first:last]], axis=1)


class Fleet:
    """A state table fed as a worker feeds it."""

    def __init__(self, dtype: str = "float64") -> None:
        self.table = StateTable(CONFIG, dtype)
        self.rows = self.table.allocate(ASSETS)

    def feed(self, first: int, last: int, mask: int = 15) -> np.ndarray:
        order = order_by_row(self.rows[ROWS[first:last]])
        sequence = self.table.sequence[order.rows] + order.rank + 1
        outputs = self.table.step(order, columns(first, last, mask), np.zeros_like(order.rows))
        self.table.sequence[order.rows] = sequence
        return outputs

    def states(self) -> bytes:
        return self.table.copy(self.rows).tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_any_cut_gives_the_same_outputs_and_networks(dtype: str) -> None:
    whole = Fleet(dtype)
    outputs = whole.feed(0, 1500)
    for size in (1, 11, 400):
        cut = Fleet(dtype)
        parts = [cut.feed(at, min(at + size, 1500)) for at in range(0, 1500, size)]
        assert np.concatenate(parts).tobytes() == outputs.tobytes()
        assert cut.states() == whole.states()


@pytest.mark.parametrize("calls", [1, 7])
def test_few_calls_at_a_time_give_the_same_bits(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, piecemeal = Fleet(), Fleet()
    outputs = at_once.feed(0, 1500)
    monkeypatch.setattr(together, "_MOST_CALLS", calls)
    assert piecemeal.feed(0, 1500).tobytes() == outputs.tobytes()
    assert piecemeal.states() == at_once.states()


def test_looking_at_the_state_does_not_change_what_comes() -> None:
    """A snapshot does the training that is due; without one it is done before the next tick."""
    quiet, watched = Fleet(), Fleet()
    for at in range(0, 1500, 50):
        quiet.feed(at, at + 50)
        watched.feed(at, at + 50)
        watched.states()
    assert watched.states() == quiet.states()


def test_a_restored_table_goes_on_with_the_same_bits() -> None:
    straight, before, after = Fleet(), Fleet(), Fleet()
    straight.feed(0, 1500)
    before.feed(0, 700)
    states, sequence = before.table.copy(before.rows), before.table.sequence[before.rows]
    after.table.release(after.rows)
    other = after.table.allocate(9)  # so that every asset comes to lie in another lane
    after.rows = after.table.restore(states, np.zeros(ASSETS, dtype=np.int64), sequence)
    assert other.size == 9
    after.feed(700, 1500)
    assert after.states() == straight.states()


def test_networks_do_train_and_the_step_reads_them() -> None:
    fleet = Fleet()
    outputs = fleet.feed(0, 1500)
    networks = asset_layout(CONFIG).split(fleet.table.copy(fleet.rows))[1]
    fresh = asset_layout(CONFIG).split(asset_layout(CONFIG).fresh("float64")[None])[1]
    assert networks.shape == (ASSETS, NETWORK_ROWS)
    assert (networks != fresh).any(axis=1).all()
    # Walks: the gate silences most of what it says.
    assert 0.05 < (outputs[700:, Output.FORECAST_B] != 0.0).mean() < 0.5


def test_a_masked_kernel_does_not_train() -> None:
    fleet, without_b = Fleet(), int(Kernel.A | Kernel.C | Kernel.D)
    fleet.feed(0, 500, mask=without_b)
    assert columns(0, 1, without_b)[Input.MASK_B] == 0.0
    networks = asset_layout(CONFIG).split(fleet.table.copy(fleet.rows))[1]
    fresh = asset_layout(CONFIG).split(asset_layout(CONFIG).fresh("float64")[None])[1]
    assert networks.tobytes() == np.repeat(fresh, ASSETS, axis=0).tobytes()


def test_the_fleets_networks_are_the_single_predictors() -> None:
    fleet = Fleet()
    fleet.feed(0, 1500)
    predictor = FunctionalPredictor(CONFIG)
    state = predictor.init_state()
    asset = int(ROWS[0])
    for stamp, price in enumerate(PRICES[asset == ROWS]):
        state, _ = predictor.step(state, MarketObservation(price, price, stamp * 10_000_000))
    own = fleet.table.copy(fleet.rows[asset : asset + 1])[0]
    network = asset_layout(CONFIG).split(state.rows[None])[1]
    assert asset_layout(CONFIG).split(own[None])[1].tobytes() == network.tobytes()


def test_neighbours_in_a_call_do_not_matter() -> None:
    """Not even those that are not numbers."""
    fleet = Fleet()
    fleet.feed(0, 900)
    columns_, networks = asset_layout(CONFIG).split(fleet.table.copy(fleet.rows))
    trainer = compile_trainer(CONFIG)
    blocks = columns_[:, trainer.block]
    together = trainer(blocks, networks)
    order = np.random.default_rng(0).permutation(ASSETS)
    assert trainer(blocks[order], networks[order]).tobytes() == together[order].tobytes()
    assert trainer(blocks[5:6], networks[5:6]).tobytes() == together[5].tobytes()
    poisoned = networks.copy()
    poisoned[np.arange(ASSETS) % 3 != 0] = np.nan
    clean = np.arange(ASSETS) % 3 == 0
    assert trainer(blocks, poisoned)[clean].tobytes() == together[clean].tobytes()
