"""The libraries' loops that the predictor is compared with: no look-ahead, and some skill."""

import numpy as np
import pytest
from scipy.signal import lfilter

from benchmarks._library_peers import PEERS

_COUNT = 900


@pytest.fixture(scope="module")
def price() -> np.ndarray:
    """Moves of autocorrelation 0.4."""
    noise = np.random.default_rng(9).standard_normal(_COUNT)
    return np.asarray(100.0 + 0.01 * np.cumsum(lfilter([1.0], [1.0, -0.4], noise)))


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_knows_the_past_only(name: str, price: np.ndarray) -> None:
    made = PEERS[name](price)
    assert np.isfinite(made[500:]).all()
    changed = price.copy()
    changed[700:] += np.linspace(0.0, 5.0, _COUNT - 700) + 1.0
    np.testing.assert_array_equal(PEERS[name](changed)[:700], made[:700])


@pytest.mark.parametrize("name", [name for name in PEERS if "Holt" not in name])
def test_a_peer_finds_what_there_is_to_find(name: str, price: np.ndarray) -> None:
    made = PEERS[name](price)
    error, move = (price[1:] - made[:-1])[500:], np.diff(price)[500:]
    assert np.square(error).sum() < 0.97 * np.square(move).sum()
