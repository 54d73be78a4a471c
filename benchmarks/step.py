# ruff: noqa: ARG001, ARG005  (bodies share one signature)
"""What a tick costs: the whole compiled step, and each component compiled alone.

    python -m benchmarks.step [--dtype float32] [--repeats 2000]

Times are processor time of this process at a full tile, so that a busy machine disturbs them
less. Components do not add up to the step: each pays its own call and its own copies.
"""

import argparse
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from core import (
    INPUT_ROWS,
    TILE_WIDTH,
    Input,
    PredictorConfig,
    compile_step,
    cusum,
    holder,
    increments,
    init_tile,
    kurtosis,
    levels,
    orchestrator,
    state_layout,
    volatility,
)
from core.compiled import COMPILER_OPTIONS
from core.kernels import gate, hilbert, jump_diffusion, signature

CONFIG = PredictorConfig()
LAYOUT = state_layout(CONFIG)
Body = Callable[[dict[str, jax.Array], jax.Array, jax.Array], tuple[object, object]]


def _components() -> dict[str, Body]:
    always = jnp.ones((1, TILE_WIDTH), dtype=bool)

    def jumps(s: dict[str, jax.Array], x: jax.Array, price: jax.Array) -> tuple[object, object]:
        return jump_diffusion.update(CONFIG, s, increments.update(CONFIG, s, price)[1])

    def kernel_a(s: dict[str, jax.Array], x: jax.Array, price: jax.Array) -> tuple[object, object]:
        window = levels.Levels(x, x, x)
        return hilbert.update(
            CONFIG, s, increment=x, levels=window, level=x, long_memory_forecast=x, first=x > 1.0
        )

    def kernel_d(s: dict[str, jax.Array], x: jax.Array, price: jax.Array) -> tuple[object, object]:
        return signature.update(CONFIG, s, increment=x, depth=x + 3.0, frozen=x > 9.0)

    def mixture(s: dict[str, jax.Array], x: jax.Array, price: jax.Array) -> tuple[object, object]:
        four = jnp.concatenate([x, x, x, x])
        unsettled = volatility.Volatility(x * x, x * x)
        return orchestrator.update(
            CONFIG, s, realised=x, forecasts=four, volatility=unsettled,
            learning=always, robust=always, reset=always,
        )  # fmt: skip

    def gated(s: dict[str, jax.Array], x: jax.Array, price: jax.Array) -> tuple[object, object]:
        four = jnp.concatenate([x, x, x, x])
        return gate.update(CONFIG, s, raw_forecasts=four, realised=x, scored=always)

    return {
        "increments": lambda s, x, price: increments.update(CONFIG, s, price),
        "levels": lambda s, x, price: levels.update(CONFIG, s, x),
        "kurtosis": lambda s, x, price: kurtosis.update(CONFIG, s, x, always),
        "cusum": lambda s, x, price: cusum.update(CONFIG, s, x, x + 3.0, always),
        "holder": lambda s, x, price: holder.update(CONFIG, s, x),
        "kernel A": kernel_a,
        "kernel C (+ increments)": jumps,
        "kernel D": kernel_d,
        "gate": gated,
        "orchestrator": mixture,
    }


def _cost(call: Callable[[], object], repeats: int) -> float:
    """Least processor time of a call over five rounds, µs."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            result = call()
        jax.block_until_ready(result)  # type: ignore[no-untyped-call]
        best = min(best, (time.process_time() - start) / repeats)
    return best * 1e6


def _row(name: str, compile_s: float, cost_us: float) -> None:
    print(f"{name:26s} {compile_s:9.2f} {cost_us:10.1f} {cost_us / TILE_WIDTH:10.2f}")


def _measure_component(name: str, body: Body, dtype: str, repeats: int) -> None:
    def call(packed: jax.Array, price: jax.Array) -> jax.Array:
        fields, output = body(LAYOUT.view(packed), price.astype(packed.dtype), price)
        rows = [x.astype(packed.dtype) for x in jax.tree.leaves((fields, output))]
        return jnp.concatenate([x.reshape(-1, TILE_WIDTH) for x in rows])

    tile = jax.device_put(init_tile(CONFIG, dtype))
    price = np.random.default_rng(0).normal(size=(1, TILE_WIDTH))
    start = time.process_time()
    compiled = jax.jit(call).lower(tile, price).compile(compiler_options=COMPILER_OPTIONS)
    spent = time.process_time() - start
    _row(name, spent, _cost(lambda: compiled(tile, price), repeats))


def _measure_step(dtype: str, repeats: int) -> None:
    start = time.process_time()
    step = compile_step(CONFIG, dtype)
    spent = time.process_time() - start
    rng = np.random.default_rng(0)
    inputs = np.ones((INPUT_ROWS, TILE_WIDTH))
    tile = jax.device_put(init_tile(CONFIG, dtype))
    price = np.full(TILE_WIDTH, 100.0)
    series = []
    for _ in range(500):
        price = price + 0.1 * rng.normal(size=TILE_WIDTH)
        inputs[[Input.PRICE, Input.TARGET]] = price
        series.append(inputs.copy())
    at = 0

    def call() -> object:
        nonlocal tile, at
        tile, outputs = step(tile, series[at % 500])
        at += 1
        return outputs

    _row("whole step", spent, _cost(call, repeats))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64")
    parser.add_argument("--repeats", type=int, default=500)
    options = parser.parse_args()
    print(f"{options.dtype}, {LAYOUT.rows} rows, {jax.default_backend()}")
    print(f"{'component':26s} {'compile s':>9s} {'µs/tile':>10s} {'µs/tick':>10s}")
    for name, body in _components().items():
        _measure_component(name, body, options.dtype, options.repeats)
    _measure_step(options.dtype, options.repeats)


if __name__ == "__main__":
    main()
