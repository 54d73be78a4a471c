"""What each component of a tick costs, compiled alone: `python -m benchmarks.components [DTYPE]`.

Processor time of this process at a full tile. Components do not add up to the step: each pays its
own call, and copies of its own.
"""

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy import ndarray

from core import (
    TILE_WIDTH,
    PredictorConfig,
    asset_layout,
    compile_trainer,
    cusum,
    guards,
    holder,
    increments,
    init_surfaces,
    init_tile,
    kurtosis,
    levels,
    orchestrator,
    state_layout,
    volatility,
)
from core.executables import COMPILER_OPTIONS
from core.kernels import galerkin, gate, hilbert, jump_diffusion, signature

__all__ = ["stage_table"]

CONFIG = PredictorConfig()
LAYOUT = state_layout(CONFIG)
ROUNDS = 5


class Given(NamedTuple):
    """What bodies are made of: the state, a row in its dtype, the same as a price, and booleans."""

    state: dict[str, jax.Array]
    x: jax.Array
    price: jax.Array
    yes: jax.Array

    @property
    def four(self) -> jax.Array:
        """Forecasts of four kernels."""
        return jnp.concatenate([self.x, self.x, self.x, self.x])


Body = Callable[[Given], object]


def _front(g: Given) -> object:
    new, tick = increments.update(CONFIG, g.state, g.price)
    guard = guards.update(CONFIG, g.state, age_ratio=g.price, dt_s=g.price, moved=tick.moved)
    window = levels.update(CONFIG, g.state, tick.level, run=guard[0]["guards.run"])
    return new, window, guard


def _kernel_a(g: Given) -> object:
    return hilbert.update(
        CONFIG, g.state, increment=g.x, levels=levels.Levels(g.x, g.x, g.x), level=g.x,
        long_memory_forecast=g.x, first=g.x > 1.0,
    )  # fmt: skip


def _kernel_b(g: Given) -> object:
    tick = increments.update(CONFIG, g.state, g.price)[1]
    surface = galerkin.Surface.of(jnp.asarray(init_surfaces(g.x.dtype.name)))
    window = levels.Levels(g.x, jnp.abs(g.x), g.x)
    return galerkin.update(CONFIG, g.state, tick=tick, levels=window, surface=surface)


def _kernel_c(g: Given) -> object:
    return jump_diffusion.update(CONFIG, g.state, increments.update(CONFIG, g.state, g.price)[1])


def _kernel_d(g: Given) -> object:
    return signature.update(CONFIG, g.state, increment=g.x, depth=g.x + 3.0, frozen=g.x > 9.0)


def _orchestrator(g: Given) -> object:
    return orchestrator.update(
        CONFIG, g.state, realised=g.x, forecasts=g.four,
        volatility=volatility.Volatility(g.x * g.x, g.x * g.x),
        learning=g.yes, robust=g.yes, reset=g.yes,
    )  # fmt: skip


def _detectors(g: Given) -> object:
    tails = kurtosis.update(CONFIG, g.state, g.x, g.yes)
    return tails, cusum.update(CONFIG, g.state, g.x, g.x + 3.0, g.yes)


STAGES: dict[str, Body] = {
    "front: increments, window, guards": _front,
    "Hölder exponent": lambda g: holder.update(CONFIG, g.state, g.x),
    "CUSUM, kurtosis": _detectors,
    "kernel A": _kernel_a,
    "kernel B, evaluation (+ increments)": _kernel_b,
    "kernel C (+ increments)": _kernel_c,
    "kernel D": _kernel_d,
    "gate": lambda g: gate.update(
        CONFIG, g.state, raw_forecasts=g.four, realised=g.x, scored=g.yes
    ),
    "orchestrator": _orchestrator,
}


def stage_table(dtype: str, *, repeats: int) -> list[tuple[str, float, float]]:
    """Stage, seconds to compile, and µs of a call for 64 assets."""
    rows = [(name, *_measured(body, dtype, repeats)) for name, body in STAGES.items()]
    return [*rows, _training(dtype, repeats)]


def _measured(body: Body, dtype: str, repeats: int) -> tuple[float, float]:
    def call(packed: jax.Array, price: jax.Array) -> jax.Array:
        yes = jnp.ones((1, TILE_WIDTH), dtype=bool)
        given = Given(LAYOUT.view(packed), price.astype(packed.dtype), price, yes)
        rows = [x.astype(packed.dtype) for x in jax.tree.leaves(body(given))]
        return jnp.concatenate([x.reshape(-1, TILE_WIDTH) for x in rows])

    tile = jax.device_put(init_tile(CONFIG, dtype))
    price = np.random.default_rng(0).normal(size=(1, TILE_WIDTH))
    begun_s = time.process_time()
    compiled = jax.jit(call).lower(tile, price).compile(compiler_options=COMPILER_OPTIONS)
    spent_s = time.process_time() - begun_s
    return spent_s, least_us(lambda: compiled(tile, price), repeats)


def _training(dtype: str, repeats: int) -> tuple[str, float, float]:
    """Of the 64 networks of a tile, by the tick: they are due once in `dgm_every`."""
    begun_s = time.process_time()
    trainer = compile_trainer(CONFIG, dtype)
    spent_s = time.process_time() - begun_s
    blocks, networks = fresh_networks(dtype)
    every = CONFIG.dgm_every
    cost = least_us(lambda: trainer(blocks, networks), max(repeats // every, 5)) / every
    return f"kernel B, training (1 tick in {every})", spent_s, cost


def fresh_networks(dtype: str) -> tuple[ndarray, ndarray]:
    """Block B of a tile's 64 assets, and their networks, before the first tick."""
    layout = asset_layout(CONFIG)
    networks = layout.split(layout.fresh(dtype)[np.newaxis])[1]
    blocks = init_tile(CONFIG, dtype)[compile_trainer(CONFIG, dtype).block].T
    return np.ascontiguousarray(blocks), np.repeat(networks, TILE_WIDTH, axis=0)


def least_us(call: Callable[[], object], repeats: int) -> float:
    """Least processor time of a call over some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun_s = time.process_time()
        for _ in range(repeats):
            result = call()
        jax.block_until_ready(result)  # type: ignore[no-untyped-call]
        best = min(best, (time.process_time() - begun_s) / repeats)
    return best * 1e6


def main() -> None:
    """Print the table of one dtype."""
    dtype = sys.argv[1] if len(sys.argv) > 1 else "float64"
    print(f"{dtype:38s} {'compile s':>9s} {'µs/tile':>9s} {'µs/tick':>9s}")
    for name, compile_s, us in stage_table(dtype, repeats=300):
        print(f"{name:38s} {compile_s:9.2f} {us:9.1f} {us / TILE_WIDTH:9.2f}", flush=True)


if __name__ == "__main__":
    main()
