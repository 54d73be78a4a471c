"""Kernel B after jumps of its drift: `python -m docs.figures.galerkin`."""

import jax
import jax.numpy as jnp
import numpy as np

from core.executables import COMPILER_OPTIONS
from core.kernels.galerkin.adam import Adam
from core.kernels.galerkin.drift import Drift
from core.kernels.galerkin.entropy import ENTROPY_GRID, TERMINAL_ENTROPY, spacing_entropy
from core.kernels.galerkin.equation import COLLOCATION_X, backward_kolmogorov
from core.kernels.galerkin.network import initial_parameters, value_at_start
from core.kernels.galerkin.training import improve
from docs.figures.svg import Panel, figure, save
from tests.core.kernels.galerkin.crank_nicolson import conditional_mean

TICKS, VARIANCE, GAMMA = 1000, 0.3, 0.5
STRETCHES = ((0.2, 0.0), (0.6, 0.5), (1.5, -0.5), (0.2, 0.0))
"""theta and mu of an Ornstein-Uhlenbeck process, each for a quarter of the ticks."""
SHOWN = (-2.0, 0.0, 2.0)
X = ENTROPY_GRID[:, 0]


def learned() -> np.ndarray:
    """u(0, x) on the grid after every training step, [ticks, grid]."""

    def tick(adam: Adam, drift: Drift) -> tuple[Adam, jax.Array]:
        b = drift.at(jnp.asarray(COLLOCATION_X))
        adam = improve(adam, backward_kolmogorov(b, drift.variance))
        return adam, (ENTROPY_GRID + value_at_start(adam.parameters, jnp.asarray(ENTROPY_GRID)))

    theta, mu = (
        np.repeat(part, TICKS // 4)[:, None, None] for part in zip(*STRETCHES, strict=True)
    )
    rows = Drift(theta * mu, -theta, np.zeros((TICKS, 5, 1)), np.full((TICKS, 1, 1), VARIANCE))
    parameters = initial_parameters(jnp.zeros((1, 1)))
    zeros = jnp.zeros_like(parameters)
    start = Adam(parameters, zeros, zeros, jnp.zeros((1, 1)))
    lowered = jax.jit(lambda s, r: jax.lax.scan(tick, s, r)).lower(start, rows)
    return np.asarray(lowered.compile(compiler_options=COMPILER_OPTIONS)(start, rows)[1])[:, :, 0]


def main() -> None:
    found = learned()
    exact = np.repeat(
        [conditional_mean(lambda x, a=a, m=m: -a * (x - m), VARIANCE, X) for a, m in STRETCHES],
        TICKS // 4,
        axis=0,
    )
    values = Panel("u(0, x) at x = -2, 0, 2: network (blue), Crank-Nicolson (grey)", -2.2, 2.2, 200)
    for x in SHOWN:
        at = int(np.abs(X - x).argmin())
        values.curve(exact[:, at], "#999", width=2.5)
        values.curve(found[:, at], "#1f5fa8", width=1.2)
    values.ticks = SHOWN

    spread = np.ptp(exact, axis=1)
    error = 100.0 * np.abs(found - exact) / spread[:, None]
    errors = Panel("error, % of the exact spread: largest (orange), rms (blue)", 0.0, 5.0, 130)
    errors.ticks = (0.0, 1.0, 5.0)
    errors.curve(np.full(TICKS, 1.0), "#b33", width=0.7)
    errors.curve(error.max(axis=1), "#e08a1e")
    errors.curve(np.sqrt(np.mean(error**2, axis=1)), "#1f5fa8", width=1.3)

    theta = np.repeat([a for a, _ in STRETCHES], TICKS // 4)
    entropy = np.asarray(spacing_entropy(jnp.asarray(found.T)))[0]
    losses = Panel(
        "entropy of u(0, x), nats: network (blue), what the equation leaves (grey), bound of "
        "collapse (red)", -0.5, 2.0, 130, ticks=(0.0, 1.0, 1.8),
    )  # fmt: skip
    losses.curve(TERMINAL_ENTROPY - theta, "#999", width=2.5)
    losses.curve(TERMINAL_ENTROPY - theta + np.log(GAMMA), "#b33")
    losses.curve(entropy, "#1f5fa8", width=1.2)
    document = figure(
        [values, errors, losses], axis=range(0, TICKS, 250), length=TICKS,
        label="training steps; the drift jumps every 250",
    )  # fmt: skip
    save(__file__, document)


if __name__ == "__main__":
    main()
