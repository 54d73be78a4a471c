"""What a tick costs, against the goals: `python -m benchmarks.step [DTYPE]`, about three minutes.

One core, but for the start of a process. The ratio to the naive form (`benchmarks/naive`: the same
mathematics under `jit(vmap(step))`) and the shares of the stages are the figures that carry over to
other machines.
Each dtype has a process of its own: the naive form in float32 runs with JAX's x64 turned off.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import naive
from benchmarks._kafka import WORKER_CORE
from benchmarks.components import CONFIG, fresh_networks, stage_table
from benchmarks.goals import at_least, at_most, heading, note
from core import (
    INPUT_ROWS,
    NETWORK_SURFACE,
    TILE_WIDTH,
    FunctionalPredictor,
    Input,
    MarketObservation,
    PredictorConfig,
    asset_layout,
    compile_step,
    compile_trainer,
    host_view,
    init_surfaces,
    init_tile,
)
from workers import Alert, UniversalPredictor

Dtype = Literal["float32", "float64"]
TICK_GOAL_US: dict[Dtype, float] = {"float32": 3.5, "float64": 6.0}
LATENCY_GOAL_MS: dict[Dtype, float] = {"float32": 0.3, "float64": 0.5}
BYTES_GOAL: dict[Dtype, float] = {"float32": 10_000, "float64": 20_000}
DEEPEST = PredictorConfig(log_sig_depth=5)
ROUNDS = 5


def main() -> None:
    """Print every goal of cost, and the table by stage, of one dtype or of both."""
    os.sched_setaffinity(0, {WORKER_CORE})
    if len(sys.argv) > 1:
        measure("float32" if sys.argv[1] == "float32" else "float64")
        return
    for dtype in TICK_GOAL_US:
        subprocess.run([sys.executable, "-m", "benchmarks.step", dtype], check=True)


def measure(dtype: Dtype) -> None:
    """All tables of one dtype."""
    ratio_rows(dtype)
    latency_rows(dtype)
    start_rows(dtype)
    heading(f"state of an asset, bytes; {dtype}")
    for config in (CONFIG, DEEPEST):
        size = asset_layout(config).features * np.dtype(dtype).itemsize
        at_most(f"log_sig_depth = {config.log_sig_depth}", size, BYTES_GOAL[dtype])
    stage_rows(dtype)


def ratio_rows(dtype: Dtype) -> None:
    """Tile and naive form in turns, so that a machine that slows down slows both."""
    heading(f"64 assets, a tick of each, kernel B trained; {dtype}")
    prices = 100.0 + 0.1 * np.cumsum(np.random.default_rng(0).normal(size=(512, TILE_WIDTH)), 0)
    tiled, plain = _tiled(dtype, prices), _naive(dtype, prices)
    costs: dict[str, list[float]] = {"tile": [], "naive": []}
    for _ in range(ROUNDS):
        costs["tile"].append(_spent_us(tiled, 16 * 16))
        costs["naive"].append(_spent_us(plain, 16))
    tile, reference = (float(np.median(costs[name])) / TILE_WIDTH for name in ("tile", "naive"))
    at_most("tiles: µs a tick (an orientation)", tile, TICK_GOAL_US[dtype])
    note("naive jit(vmap(step)): µs a tick", reference)
    at_least("naive over tiles", reference / tile, 30.0)


def _tiled(dtype: Dtype, prices: np.ndarray) -> Callable[[int], object]:
    step, trainer = compile_step(CONFIG, dtype), compile_trainer(CONFIG, dtype)
    tile, surfaces = jax.device_put(init_tile(CONFIG, dtype)), init_surfaces(dtype)
    _, networks = fresh_networks(dtype)
    inputs = [_inputs(price) for price in prices]

    def tick(number: int) -> object:
        nonlocal tile, surfaces, networks
        tile, outputs = step(tile, inputs[number % len(inputs)], surfaces)
        if (number + 1) % CONFIG.dgm_every == 0:
            blocks = host_view(tile)[trainer.block].T.copy()
            networks = trainer(blocks, networks)
            surfaces = networks[:, NETWORK_SURFACE].T.copy()
        return np.asarray(outputs)

    return tick


def _inputs(price: np.ndarray) -> np.ndarray:
    inputs = np.ones((INPUT_ROWS, TILE_WIDTH))
    inputs[Input.PRICE] = inputs[Input.TARGET] = price
    inputs[Input.DT_S], inputs[Input.AGE_RATIO] = 0.01, 0.0
    inputs[Input.DEPTH] = CONFIG.log_sig_depth
    return inputs


def _naive(dtype: Dtype, prices: np.ndarray) -> Callable[[int], object]:
    with jax.enable_x64(dtype == "float64"):
        one = jax.vmap(functools.partial(naive.step, CONFIG))
        step = jax.jit(one, donate_argnums=0)
        state = naive.broadcast(CONFIG, TILE_WIDTH)
        state = jax.tree.map(jnp.copy, state)  # donated, and two fields may share one buffer
        same = jnp.zeros(TILE_WIDTH)
        runs, depth = jnp.ones((TILE_WIDTH, 4), bool), same + CONFIG.log_sig_depth

    def tick(number: int) -> object:
        nonlocal state
        with jax.enable_x64(dtype == "float64"):
            price = jnp.asarray(prices[number % len(prices)], dtype)
            state, result = step(state, naive.Tick(price, price, same + 0.01, same, runs, depth))
            return jax.tree.map(np.asarray, result)

    return tick


def _spent_us(tick: Callable[[int], object], ticks: int) -> float:
    begun_s = time.process_time()
    for number in range(ticks):
        tick(number)
    return (time.process_time() - begun_s) / ticks * 1e6


def latency_rows(dtype: Dtype) -> None:
    """One tick of one asset a millisecond, from the observation to the result."""
    heading(f"one tick of one asset in process, log_sig_depth = 5, ms; {dtype}")
    prices = 100.0 + 0.1 * np.cumsum(np.random.default_rng(0).normal(size=3000))
    ticks = [
        MarketObservation(float(p), float(p), 1_700_000_000_000_000_000 + 10**7 * i)
        for i, p in enumerate(prices)
    ]
    bare = FunctionalPredictor(DEEPEST, dtype=dtype)
    state = bare.init_state()

    def functional(tick: MarketObservation) -> None:
        nonlocal state
        state, _ = bare.step(state, tick)

    universal = UniversalPredictor(DEEPEST, dtype=dtype, on_alert=_unheard)
    steps: dict[str, Callable[[MarketObservation], object]] = {
        "FunctionalPredictor": functional,
        "UniversalPredictor": universal.step,
    }
    for name, step in steps.items():
        spans_ms = 1e3 * np.array([_spent_s(step, tick) for tick in ticks][200:])
        note(f"{name}.step: median", float(np.median(spans_ms)))
        at_most(f"{name}.step: p99", float(np.quantile(spans_ms, 0.99)), LATENCY_GOAL_MS[dtype])


def _spent_s(step: Callable[[MarketObservation], object], tick: MarketObservation) -> float:
    """After a pause, in which a network may train behind the result before."""
    time.sleep(1e-3)
    begun_s = time.perf_counter()
    step(tick)
    return time.perf_counter() - begun_s


def _unheard(alert: Alert) -> None:
    """Alerts are not what is measured."""


def start_rows(dtype: Dtype) -> None:
    """Two processes one after the other: the second finds what the first compiled."""
    pinned, cores = os.sched_getaffinity(0), os.cpu_count() or 1
    heading(f"start of a process on {cores} cores, s; {dtype}")
    os.sched_setaffinity(0, range(cores))
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = _first_tick(dtype, cache), _first_tick(dtype, cache)
    os.sched_setaffinity(0, pinned)
    note("importing", warm["import"])
    for name, program in {"the tile's": "tile", "one asset's": "lane"}.items():
        at_most(f"compiling, cold: {name} step and training", cold[program], 5.0)
    note("compiling, cold: a run of one asset's ticks", cold["run"])
    for name, program in {"the tile's": "tile", "one asset's": "lane"}.items():
        spent_s = warm[program] + warm["first tick"]
        at_most(f"loading {name}, and the first tick", spent_s, 1.0)
    note("loading the run", warm["run"])


def _first_tick(dtype: Dtype, cache: str) -> dict[str, float]:
    environment = {**os.environ, "TICKFLEET_CACHE_DIR": cache}
    command = [sys.executable, "-m", "benchmarks.first_tick", dtype]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    spans: dict[str, float] = json.loads(run.stdout)
    return spans


def stage_rows(dtype: Dtype) -> None:
    """Stages compiled alone, with their shares of the sum."""
    rows = stage_table(dtype, repeats=300)
    total = sum(us for _, _, us in rows)
    print(f"\n{'stages, each compiled alone; ' + dtype:<62}{'µs a tick':>14}{'share':>12}")
    for name, _, us in rows:
        print(f"{name:<62}{us / TILE_WIDTH:>14.3f}{us / total:>12.1%}", flush=True)
    print(f"{'sum (each pays its own call and copies)':<62}{total / TILE_WIDTH:>14.3f}")


if __name__ == "__main__":
    main()
