"""What rounding each product by itself costs, and gives: `python -m benchmarks.rounding [DTYPE]`.

The step of a tile and the training of eight networks, compiled with `core.rounding` and without,
called in turns; and how many outputs of an asset alone differ from the same asset's among 64.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmarks._kafka import WORKER_CORE
from benchmarks.components import CONFIG, fresh_networks
from benchmarks.goals import at_most, heading, note
from core import INPUT_ROWS, TILE_WIDTH, TRAIN_WIDTH, Input, init_surfaces, init_tile, programs
from core.executables import COMPILER_OPTIONS
from core.rounding import rounded

TICKS, ROUNDS = 400, 8
Program = Callable[..., Any]


def main() -> None:
    """Print the table of one dtype, or of both."""
    os.sched_setaffinity(0, {WORKER_CORE})
    for dtype in sys.argv[1:] or ("float32", "float64"):
        heading(f"each product rounded by itself; {dtype}")
        compare(dtype)


def compare(dtype: str) -> None:
    """With and without, in turns."""
    steps, lanes, trainings = (
        [_compiled(trace, dtype, width, rounds=yes) for yes in (True, False)]
        for trace, width in (
            (programs.trace_step, TILE_WIDTH),
            (programs.trace_step, 1),
            (programs.trace_training, TRAIN_WIDTH),
        )
    )
    calls: dict[str, list[Callable[[], object]]] = {
        "step of a tile": [_stepping(step, dtype) for step in steps],
        "training of eight": [_training(train, dtype) for train in trainings],
    }
    for name, (with_it, without) in calls.items():
        spent = np.array([[_us(with_it), _us(without)] for _ in range(ROUNDS)]).min(axis=0)
        note(f"{name}, µs", spent[0])
        note(f"{name}, µs, without", spent[1])
        at_most(f"{name}, over without", spent[0] / spent[1], 1.25)
    differing = [_differing(step, lane, dtype) for step, lane in zip(steps, lanes, strict=True)]
    at_most(f"outputs of {TICKS} ticks that differ alone and among 64", differing[0], 0)
    note("the same, without", differing[1])


def _compiled(trace: Program, dtype: str, width: int, *, rounds: bool) -> Program:
    """The repository's program, or what it would be without rounding."""
    with patch.object(programs, "rounded", rounded if rounds else _as_it_is):
        program: Program = trace(CONFIG, dtype, width).lower().compile(COMPILER_OPTIONS)
    return program


def _as_it_is(program: Program) -> Program:
    return lambda _zero, *arguments: program(*arguments)


def _ticks(width: int) -> Float64[ndarray, "ticks inputs lanes"]:
    rng = np.random.default_rng(0)
    inputs = np.ones((TICKS, INPUT_ROWS, width))
    prices = 100.0 + 0.1 * np.cumsum(rng.normal(size=(TICKS, TILE_WIDTH)), axis=0)
    inputs[:, Input.PRICE] = inputs[:, Input.TARGET] = prices[:, :width]
    inputs[:, Input.AGE_RATIO] = 0.0
    inputs[:, Input.DEPTH] = CONFIG.log_sig_depth
    return inputs


def _outputs(step: Program, dtype: str, width: int) -> Float64[ndarray, "ticks outputs"]:
    """Of the first lane."""
    tile, surfaces, made = init_tile(CONFIG, dtype, width), init_surfaces(dtype, width), []
    for inputs in _ticks(width):
        tile, outputs = step(programs.ZERO, tile, inputs, surfaces)
        made.append(np.asarray(outputs)[:, 0])
    return np.array(made)


def _differing(step: Program, lane: Program, dtype: str) -> int:
    among, alone = _outputs(step, dtype, TILE_WIDTH), _outputs(lane, dtype, 1)
    return int(((among != alone) & ~(np.isnan(among) & np.isnan(alone))).sum())


def _stepping(step: Program, dtype: str) -> Callable[[], object]:
    tile, surfaces, ticks = init_tile(CONFIG, dtype), init_surfaces(dtype), _ticks(TILE_WIDTH)
    number = 0

    def call() -> object:
        nonlocal tile, number
        tile, outputs = step(programs.ZERO, tile, ticks[number % TICKS], surfaces)
        number += 1
        return np.asarray(outputs)

    return call


def _training(train: Program, dtype: str) -> Callable[[], object]:
    blocks, networks = (part[:TRAIN_WIDTH] for part in fresh_networks(dtype))
    return lambda: np.asarray(train(programs.ZERO, blocks, networks))


def _us(call: Callable[[], object]) -> float:
    """Least of many calls."""
    best = float("inf")
    for _ in range(TICKS):
        begun_s = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begun_s)
    return best * 1e6


if __name__ == "__main__":
    main()
