"""Networks that follow an equation whose drift moves, one training step a tick, many at a time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from core.executables import COMPILER_OPTIONS
from core.kernels.galerkin.adam import Adam
from core.kernels.galerkin.drift import KNOTS, Drift
from core.kernels.galerkin.entropy import ENTROPY_GRID
from core.kernels.galerkin.equation import COLLOCATION_X, backward_kolmogorov
from core.kernels.galerkin.network import initial_parameters, value_at_start
from core.kernels.galerkin.surface import evaluate, fit
from core.kernels.galerkin.training import improve
from tests.core.kernels.galerkin.crank_nicolson import conditional_mean

__all__ = [
    "GRID",
    "Rows",
    "drifting",
    "errors",
    "jumping",
    "network_and_surface",
    "recovery",
    "track",
]

Rows = NDArray[np.float64]
GRID = np.linspace(-3.0, 3.0, 25)


class Path(NamedTuple):
    """Coefficients of every tick: [ticks, rows, lanes]."""

    intercept: Any
    slope: Any
    corrections: Any
    variance: Any

    def drift(self, tick: int, lane: int) -> Callable[[Rows], Rows]:
        """b(x) of one lane at one tick."""
        at = Drift(*(jnp.asarray(part[tick][:, lane : lane + 1]) for part in self))
        return lambda x: np.asarray(at.at(jnp.asarray(x[:, None])))[:, 0]


def drifting(ticks: int, lanes: int, seed: int, *, curvature: float = 0.0) -> Path:
    """Ornstein-Uhlenbeck: theta between 0.13 and 0.67, mu within 0.8, periods 500 to 1500 ticks.

    With `curvature` the drift is bent at the knots by waves of that height.
    """
    rng = np.random.default_rng(seed)
    phase = 2.0 * np.pi * np.arange(ticks)[:, None] / rng.uniform(500.0, 1500.0, lanes)
    shift = rng.uniform(0.0, 2.0 * np.pi, (3, lanes))
    theta = 0.3 * np.exp(0.8 * np.sin(phase + shift[0]))
    mu = 0.8 * np.sin(phase / 1.37 + shift[1])
    bend = np.sin(phase / 0.8 + shift[2])[:, None] * rng.normal(size=(len(KNOTS), lanes))
    variance = np.repeat(rng.uniform(0.1, 1.0, (1, 1, lanes)), ticks, axis=0)
    return Path((theta * mu)[:, None], -theta[:, None], curvature * bend, variance)


def jumping(ticks: int, lanes: int, seed: int, *, every: int) -> Path:
    """Ornstein-Uhlenbeck whose theta goes from about 0.2 to 0.6 and mu from 0 to 0.5 and back."""
    rng = np.random.default_rng(seed)
    high = (np.arange(ticks) // every % 2)[:, None]
    theta = np.where(high, 0.6, 0.2) * rng.uniform(0.7, 1.4, lanes)
    mu = np.where(high, 0.5, 0.0) * rng.choice([-1.0, 1.0], lanes)
    flat = np.zeros((ticks, len(KNOTS), lanes))
    return Path((theta * mu)[:, None], -theta[:, None], flat, np.full((ticks, 1, lanes), 0.3))


def track(path: Path, *, dtype: str = "float64") -> Rows:
    """u(0, x) on the grid after every tick, read from the surface, [ticks, grid, lanes]."""
    return _run(path, dtype)[1]


def network_and_surface(path: Path, *, dtype: str = "float64") -> tuple[Rows, Rows]:
    """u(0, x) on the grid after every tick, from the network and from its surface."""
    return _run(path, dtype)


def _run(path: Path, dtype: str) -> tuple[Rows, Rows]:
    lanes = path.slope.shape[2]
    grid = jnp.asarray(GRID[:, None], dtype)

    def tick(adam: Adam, row: Path) -> tuple[Adam, tuple[jax.Array, jax.Array]]:
        drift = Drift(*row)
        b = drift.at(jnp.asarray(COLLOCATION_X, dtype))
        adam = improve(adam, backward_kolmogorov(b, drift.variance))
        coefficients = fit(value_at_start(adam.parameters, jnp.asarray(ENTROPY_GRID, dtype)))
        series = [evaluate(coefficients, jnp.full((1, lanes), x, dtype)) for x in GRID]
        network = value_at_start(adam.parameters, grid)
        return adam, (grid + network, grid + jnp.concatenate(series))

    parameters = initial_parameters(jnp.zeros((1, lanes), dtype))
    zeros = jnp.zeros_like(parameters)
    start = Adam(parameters, zeros, zeros, jnp.zeros((1, lanes), dtype))
    rows = Path(*(jnp.asarray(part, dtype) for part in path))
    lowered = jax.jit(lambda s, r: jax.lax.scan(tick, s, r)).lower(start, rows)
    _, (network, series) = lowered.compile(compiler_options=COMPILER_OPTIONS)(start, rows)
    return np.asarray(network, dtype=np.float64), np.asarray(series, dtype=np.float64)


def errors(path: Path, surfaces: Rows, ticks: NDArray[np.int64], *, order: float = np.inf) -> Rows:
    """Error on the grid per spread of the exact solution, [ticks, lanes].

    The largest, or with `order` 2 the root mean square.
    """
    found = np.empty((len(ticks), surfaces.shape[2]))
    for i, t in enumerate(ticks.tolist()):
        for lane in range(surfaces.shape[2]):
            exact = conditional_mean(path.drift(t, lane), float(path.variance[t, 0, lane]), GRID)
            error = np.abs(surfaces[t, :, lane] - exact) / np.ptp(exact)
            found[i, lane] = error.max() if order == np.inf else np.sqrt(np.mean(error**2))
    return found


def recovery(error: Rows, *, bound: float) -> Rows:
    """Ticks until the error is below the bound for good, per lane; rows begin at the jump."""
    above = error > bound
    last = error.shape[0] - np.argmax(above[::-1], axis=0)
    return np.where(above.any(axis=0), last, 0).astype(float)
