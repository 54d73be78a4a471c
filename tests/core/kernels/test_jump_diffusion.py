"""Kernel C against brute-force loops, and what it should find in known processes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core import PredictorConfig, increments
from core.kernels import jump_diffusion
from core.layout import build_layout
from tests.core.kernels.reference import jump_reference

CONFIG = PredictorConfig()
LAYOUT = build_layout((*increments.fields(CONFIG), *jump_diffusion.fields(CONFIG)))


def run(prices: np.ndarray) -> dict[str, np.ndarray]:
    def step(packed: jax.Array, price: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        state = LAYOUT.view(packed)
        new, tick = increments.update(CONFIG, state, price[None])
        fields, forecast = jump_diffusion.update(CONFIG, state, tick)
        kept = {
            name: jnp.where(tick.accepted, v, state[name]) for name, v in (new | fields).items()
        }
        seen = (forecast, tick.increment, tick.level, tick.scale, tick.smallest_move)
        return LAYOUT.pack(kept), (*seen, tick.accepted)

    scan = jax.jit(lambda p: jax.lax.scan(step, jnp.asarray(LAYOUT.fresh("float64", 64)), p)[1])
    names = ("forecast", "increment", "level", "scale", "smallest", "accepted")
    return {n: np.asarray(v)[:, 0] for n, v in zip(names, scan(prices), strict=True)}


def ornstein(seed: int, ticks: int, *, decay: float, jumps: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.zeros((ticks, 64))
    for t in range(1, ticks):
        jump = (rng.random(64) < jumps) * rng.normal(10.0, 1.0, size=64)
        x[t] = decay * x[t - 1] + rng.normal(size=64) + jump
    return 100.0 + x


@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_brute_force_recomputation(seed: int) -> None:
    prices = ornstein(seed, 400, decay=0.9, jumps=0.01)
    prices[200:220] = prices[200]
    got = run(prices)
    for lane in (0, 5, 63):
        kept = got["accepted"][:, lane]
        columns = [got[n][kept, lane].tolist() for n in ("increment", "level", "scale", "smallest")]
        expected = jump_reference(*columns)
        np.testing.assert_allclose(got["forecast"][kept, lane], expected, rtol=1e-7, atol=1e-9)


def test_finds_mean_reversion_and_leaves_a_random_walk_alone() -> None:
    reverting = run(ornstein(3, 3000, decay=0.5))
    late = slice(1500, 2999)
    outcome = reverting["increment"][1501:3000]
    forecast = reverting["forecast"][late]
    # The best possible: increments of AR(1) with coefficient 0.5 keep 3/4 of their variance.
    assert np.mean((outcome - forecast) ** 2) / np.mean(outcome**2) < 0.77
    walk = run(ornstein(4, 3000, decay=1.0))
    loss = np.mean((walk["increment"][1501:3000] - walk["forecast"][late]) ** 2)
    assert loss / np.mean(walk["increment"][1501:3000] ** 2) < 1.02
