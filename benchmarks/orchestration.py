"""The orchestrator and kernel C's jump filter against their goals."""

from pathlib import Path

import jax
import numpy as np

from benchmarks.goals import at_least, at_most, heading, report
from benchmarks.series import Series, read_prices
from core import TILE_WIDTH, PredictorConfig, compile_step, init_tile, state_layout
from core.sinkhorn import balance
from tests.core.test_orchestrator import SEGMENT, TICKS, play, switching
from tests.core.ticks import packed

__all__ = ["jump_table", "orchestrator_table"]

BURN_IN = 500


def orchestrator_table(seed: int) -> None:
    """Four synthetic experts, 64 independent games."""
    heading(f"orchestrator, seed {seed}")
    forecasts, outcomes = switching(seed)
    best = np.arange(TICKS) // SEGMENT
    played = play(forecasts, outcomes)
    regret = played.mixture_loss - played.expert_loss[np.arange(TICKS), best]
    settled = np.array([played.weights[k * SEGMENT + 100, k] for k in range(4)])
    at_most("largest |sum of weights - 1|", np.abs(played.weights.sum(axis=1) - 1).max(), 1e-12)
    at_most("dominant expert switches every 1000: mean regret", regret.sum(axis=0).mean(), 60)
    at_most("dominant expert switches every 1000: worst of 64", regret.sum(axis=0).max(), 60)
    at_least("weight 100 ticks after a switch: mean", settled.mean(), 0.85)
    at_least("weight 100 ticks after a switch: share above 0.85", (settled >= 0.85).mean(), 0.95)
    noise = play(*_independent(seed))
    regret = noise.mixture_loss.sum(axis=0) - noise.expert_loss.sum(axis=0).min(axis=0)
    at_most("independent noise: worst regret of 64", regret.max(), -75)
    leaky = play(forecasts[:500], outcomes[:500], PredictorConfig(epsilon=1e4))
    at_most("epsilon 1e4: largest |w - 1/4|", np.abs(leaky.weights - 0.25).max(), 1e-3)
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-5)):
        most = max(_iterations(10.0**power, dtype, tolerance, seed) for power in range(-6, 5))
        at_most(f"balance for epsilon 1e-6 .. 1e4, {dtype}: iterations", most, 50)


def _independent(seed: int) -> tuple[Series, Series]:
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(TICKS, TILE_WIDTH))
    outcomes = signal + rng.normal(size=signal.shape)
    return signal[:, None] + 0.5 * rng.normal(size=(TICKS, 4, TILE_WIDTH)), outcomes


def _iterations(epsilon: float, dtype: str, tolerance: float, seed: int) -> int:
    """The fewest that balance the kernels of 64 random costs between four points."""
    points = np.random.default_rng(seed).random((4, 2, TILE_WIDTH))
    cost = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    cost /= cost.max(axis=(0, 1))
    kernel = (cost * np.log(min(epsilon, 1.0))).astype(dtype)
    for count in range(1, 101):
        if np.asarray(balance(kernel, iterations=count).residual).max() < tolerance:
            return count
    return 1000


def jump_table(seed: int, trades: Path | None) -> None:
    """Kernel C's truncated variance, read from the state of the whole step."""
    heading(f"jump filter, seed {seed}")
    rng = np.random.default_rng(seed)
    size = (4000, TILE_WIDTH)
    for sign, what in ((1.0, "one-sided"), (rng.choice([-1.0, 1.0], size), "two-sided")):
        jumps = 6.0 * sign * (rng.random(size) < 0.02)
        variance, _ = _filtered(100.0 + np.cumsum(rng.normal(size=size) + jumps, axis=0))
        name = f"Merton(0.02, 6 sigma), {what}: mean sigma² / true"
        report(name, variance[BURN_IN:].mean(), 0.95, 1.05)
    if trades:
        prices = read_prices(trades, 256_000).reshape(TILE_WIDTH, -1).T
        variance, jump = _filtered(prices)
        moved = np.maximum.accumulate(prices != prices[0], axis=0)
        at_least("E-mini trades: smallest sigma² once moved", variance[moved].min(), 1e-12)
        at_most("E-mini trades: share of jumps", jump[BURN_IN:].mean(), 0.03)


def _filtered(prices: Series) -> tuple[Series, Series]:
    """The effective variance in units of the price, and which ticks counted as jumps."""
    config = PredictorConfig()
    step, layout = compile_step(config), state_layout(config)
    rows = [layout.slices[name].start for name in _READ]
    tile = jax.device_put(init_tile(config))
    variance, jump = np.empty_like(prices), np.zeros_like(prices)
    rate = np.zeros(TILE_WIDTH)
    for t, price in enumerate(prices):
        tile, _ = step(tile, packed(price))
        truncated, plain, share, new_rate, rms, smallest = np.asarray(tile)[rows]
        scale = np.maximum(np.maximum(rms, 0.25 * smallest), 1e-30)
        least = np.maximum(0.05 * plain, share * (smallest / scale) ** 2)
        variance[t] = np.maximum(np.maximum(truncated, least), 1e-6) * scale**2
        jump[t] = new_rate > rate
        rate = new_rate
    return variance, jump


_READ = (
    "jump.variance",
    "jump.plain",
    "jump.move_share",
    "jump.jump_rate",
    "increments.scale_rms",
    "increments.smallest_move",
)
