"""Kernel D against its goals: `python -m benchmarks.signature [--tuning] [--ticks 1000000]`.

Exactness against other libraries (signax; iisignature too where it is installed) and after a
million ticks; then what each depth forecasts, alone and behind the gate, per synthetic series.
"""

import argparse
import importlib
import importlib.util
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import signax
from numpy.typing import NDArray

from benchmarks import skill
from benchmarks.goals import at_most, heading, note
from core import PredictorConfig
from core.kernels.signature import fading, window
from core.kernels.signature.tensor import (
    chen,
    exponential,
    flatten,
    identity,
    logarithm,
    multiply_exponential,
)
from core.kernels.signature.words import compress

__all__ = ["depth_table", "exactness_table"]

Series = NDArray[np.float64]
DEPTH, LANES = 5, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="use the tuning seed")
    parser.add_argument("--ticks", type=int, default=1_000_000, help="of the long run")
    options = parser.parse_args()
    exactness_table(options.ticks)
    depth_table(skill.TUNING_SEED if options.tuning else skill.HELD_OUT_SEED)


def exactness_table(ticks: int) -> None:
    """Differences relative to the largest term."""
    heading("signature")
    library_table()
    for dtype, goal in (("float64", 1e-12), ("float32", 1e-5)):
        long_run(ticks, dtype, goal)


def depth_table(seed: int, ticks: int = 5000) -> None:
    """Squared error over persistence's, by depth and kind of signature."""
    configs = [PredictorConfig(log_sig_depth=depth) for depth in (2, 3, 5)]
    configs.append(PredictorConfig(log_sig_depth=5, kernel_d="window"))
    skills = [skill.synthetic(seed, ticks, config) for config in configs]
    losses = {name: [found[name].kernels["D"] for found in skills] for name in skills[0]}
    losses["geometric mean"] = list(np.exp(np.mean(np.log(list(losses.values())), axis=0)))
    print(f"\nkernel D alone, seed {seed}")
    print(f"{'series':<24}{'depth 2':>10}{'depth 3':>10}{'depth 5':>10}{'window, 5':>12}")
    for name, row in losses.items():
        print(f"{name:<24}{row[0]:>10.4f}{row[1]:>10.4f}{row[2]:>10.4f}{row[3]:>12.4f}")


def library_table() -> None:
    """Largest difference, relative to the largest term, over twenty paths of 100 points."""
    rng = np.random.default_rng(3)
    worst: dict[str, float] = {}
    for _ in range(20):
        points = np.cumsum(rng.normal(size=(100, 2)), axis=0)
        moved = identity(DEPTH, jnp.zeros((2, 1)))
        for segment in np.diff(points, axis=0):
            moved = multiply_exponential(moved, jnp.asarray(segment)[:, None])
        ours = np.asarray(flatten(moved))[:, 0]
        logs = np.asarray(flatten(logarithm(moved)))
        theirs = {
            "signature, signax": (ours, signax.signature(jnp.asarray(points), DEPTH, flatten=True)),
            "log-signature, signax": (
                np.asarray(compress(jnp.asarray(logs), DEPTH))[:, 0],
                signax.logsignature(jnp.asarray(points), DEPTH),
            ),
        }
        if importlib.util.find_spec("iisignature"):
            theirs |= _iisignature(points, ours, logs[:, 0])
        for name, (a, b) in theirs.items():
            worst[name] = max(worst.get(name, 0.0), _relative(a, np.asarray(b)))
    for name, difference in worst.items():
        at_most(f"depth 5: {name}", difference, 1e-12)


def _iisignature(points: Series, ours: Series, logs: Series) -> dict[str, tuple[Any, Any]]:
    """By name, because no wheel is published and so it is not a dependency."""
    iisignature = importlib.import_module("iisignature")
    expanded = iisignature.prepare(2, DEPTH, "x")
    return {
        "signature, iisignature": (ours, iisignature.sig(points, DEPTH)),
        "log-signature, iisignature": (logs, iisignature.logsig(points, expanded, "x")),
    }


def long_run(ticks: int, dtype: str, goal: float) -> None:
    """Signatures at the end of a long series against signax on the last segments alone."""
    rng = np.random.default_rng(5)
    r = np.clip(rng.standard_t(4, (ticks, LANES)), -8.0, 8.0).astype(np.float32)
    for name, part, paths in (("window", window, 1), ("fading", fading, 3)):
        state = {f.name: jnp.full((f.rows, LANES), f.initial, dtype) for f in part.fields(DEPTH)}

        def tick(state: Any, row: Any, part: Any = part) -> tuple[Any, None]:
            return part.update(state, row[None], DEPTH)[0], None

        end, _ = jax.jit(lambda s, x, f=tick: jax.lax.scan(f, s, x))(
            state, jnp.asarray(r[:-1], dtype)
        )
        levels = part.update(end, jnp.asarray(r[-1:], dtype), DEPTH)[1]
        got = np.asarray(flatten(levels)).reshape(-1, paths, LANES).astype(np.float64)
        worst = max(
            _relative(got[:, path, lane], _exact(name, path, r[:, lane].astype(np.float64)))
            for path in range(paths)
            for lane in range(LANES)
        )
        at_most(f"{dtype}: {name} signature after {ticks:.0e} ticks", worst, goal)
    short = r[:100_000]
    note(f"{dtype}: by group inverse after {len(short):.0e} ticks", _by_inverse(short, dtype))


def _exact(name: str, path: int, r: Series) -> Series:
    if name == "window":
        kept = r[-window.WINDOW :]
        segments = np.stack(
            [np.full_like(kept, 1.0 / window.WINDOW), kept / np.sqrt(window.WINDOW)], axis=1
        )
    else:
        kept = r[-4000:]  # the rest counts less than 1e-37
        decay = 0.5 ** (1.0 / fading.HALF_LIVES_TICKS[path])
        age = decay ** np.arange(len(kept) - 1, -1, -1.0)
        segments = np.stack([(1.0 - decay) * age, np.sqrt(1.0 - decay**2) * age * kept], axis=1)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(segments, axis=0)])
    return np.asarray(signax.signature(jnp.asarray(points), DEPTH, flatten=True))


def _by_inverse(r: NDArray[np.float32], dtype: str) -> float:
    """What dropping the oldest segment by multiplying with its inverse would have come to."""
    unit = jnp.asarray([1.0 / window.WINDOW, window.WINDOW**-0.5], dtype)[:, None]

    def segment(row: Any) -> Any:
        return unit * jnp.stack([jnp.ones_like(row), row])

    def tick(moving: Any, pair: Any) -> tuple[Any, None]:
        new, old = pair
        grown = multiply_exponential(moving, segment(new))
        return chen(exponential(-segment(old), DEPTH), grown), None

    rows = jnp.asarray(r, dtype)
    moving = identity(DEPTH, jnp.zeros((2, LANES), dtype))
    for row in rows[: window.WINDOW]:
        moving = multiply_exponential(moving, segment(row))
    pairs = (rows[window.WINDOW :], rows[: -window.WINDOW])
    end = np.asarray(flatten(jax.lax.scan(tick, moving, pairs)[0])).astype(np.float64)
    exact = [_exact("window", 0, r[:, lane].astype(np.float64)) for lane in range(LANES)]
    return max(_relative(end[:, lane], exact[lane]) for lane in range(LANES))


def _relative(got: Any, expected: Any) -> float:
    return float(np.max(np.abs(np.asarray(got) - expected)) / np.max(np.abs(expected)))


if __name__ == "__main__":
    main()
