"""When rows change places: counted in calls of the step, on streams whose best is known."""

import numpy as np
import pytest

from core import TILE_WIDTH
from workers.compute.places import Places
from workers.compute.rounds import order_by_row, plan_rounds

ASSETS = 1_000


class Stream:
    """Batches of ticks drawn at given rates, and what they cost in the places there are."""

    def __init__(self, rate: np.ndarray, *, by_activity: bool = True) -> None:
        self.places = Places(by_activity=by_activity)
        for _ in range(-(-rate.size // TILE_WIDTH)):
            self.places.add_tile()
        self.rate = rate
        self.moved = 0
        self.most_at_once = 0
        self._rng = np.random.default_rng(3)

    def feed(self, batches: int, size: int) -> tuple[int, int]:
        """Calls that these batches took, and would have taken with rows in order of rate."""
        took, best = 0, 0
        rank_of = np.argsort(np.argsort(-self.rate, kind="stable"))
        for _ in range(batches):
            rows = self._rng.choice(self.rate.size, size, p=self.rate / self.rate.sum())
            ticks = order_by_row(rows)
            calls = plan_rounds(ticks.rank, self.places.of(rows)).tile_of_slot.size
            took += calls
            best += plan_rounds(ticks.rank, rank_of[rows]).tile_of_slot.size
            self.places.observe(ticks, calls)
            exchanges = [exchange.tiles.size for exchange in self.places.exchanges(calls)]
            self.moved += sum(exchanges)
            self.most_at_once = max(self.most_at_once, sum(exchanges) - calls // 16)
        return took, best


def zipf(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(1.0 / np.arange(1, ASSETS + 1))


@pytest.mark.parametrize(("batches", "size"), [(300, 250), (80, 4_096), (16, 32_768)])
def test_a_heavy_tailed_stream_comes_near_the_best(batches: int, size: int) -> None:
    stream = Stream(zipf())
    before, best_then = stream.feed(4, size)
    stream.feed(batches, size)
    after, best = stream.feed(20, size)
    assert before > 1.9 * best_then
    assert after < 1.1 * best
    # A first exchange goes whatever the batch was; each touches four tiles at the most.
    assert stream.moved > 0 and stream.most_at_once <= 4


@pytest.mark.parametrize(
    ("assets", "size"), [(100, 30), (100, 8_192), (1_000, 250), (1_000, 8_192)]
)
def test_an_even_stream_moves_nothing(assets: int, size: int) -> None:
    stream = Stream(np.ones(assets))
    stream.feed(max(300_000 // size, 100), size)
    assert stream.moved == 0


def test_once_settled_nothing_moves_until_others_become_busy() -> None:
    stream = Stream(zipf())
    stream.feed(80, 4_096)
    settled = stream.moved
    stream.feed(80, 4_096)
    assert stream.moved == settled
    stream.rate = zipf(seed=1)
    stream.feed(160, 4_096)
    after, best = stream.feed(20, 4_096)
    assert stream.moved > settled
    assert after < 1.1 * best


def test_a_single_tile_has_nothing_to_gain() -> None:
    stream = Stream(zipf()[:TILE_WIDTH])
    stream.feed(100, 1_000)
    assert stream.moved == 0


def test_places_stay_a_permutation_while_rows_move_and_tiles_are_added() -> None:
    stream = Stream(zipf())
    for tiles in range(17, 60):
        stream.places.add_tile()
        stream.feed(1, 4_000)
        places = stream.places.of(np.arange(tiles * TILE_WIDTH))
        assert sorted(places.tolist()) == list(range(places.size))
    assert stream.moved > 0


def test_who_never_asked_for_it_stays() -> None:
    stream = Stream(zipf(), by_activity=False)
    stream.feed(40, 4_096)
    assert stream.moved == 0
    assert (stream.places.of(np.arange(ASSETS)) == np.arange(ASSETS)).all()
