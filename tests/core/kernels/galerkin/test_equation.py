"""What the trainer makes of equations whose solution is known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core.kernels.galerkin.adam import Adam
from core.kernels.galerkin.equation import COLLOCATION_X, Equation
from core.kernels.galerkin.network import initial_parameters, value_at_start
from core.kernels.galerkin.training import improve
from tests.core.kernels.galerkin.crank_nicolson import conditional_mean
from tests.core.kernels.galerkin.tracking import drifting, errors, jumping, recovery, track


def reverting(theta: float, mu: float, x: np.ndarray) -> np.ndarray:
    return theta * (mu - x)


def test_the_oracle_solves_what_is_solved_in_closed_form() -> None:
    x = np.linspace(-3.0, 3.0, 13)
    for theta, mu in ((0.1, 0.5), (1.5, -0.7), (3.0, 0.0)):
        found = conditional_mean(partial(reverting, theta, mu), 0.6, x)
        np.testing.assert_allclose(found, mu + (x - mu) * np.exp(-theta), atol=5e-4)


def test_the_oracle_converges_to_a_simulation() -> None:
    """A bent drift, where nothing is closed: Euler paths with antithetic noise."""
    rng = np.random.default_rng(1)
    x = np.repeat(np.array([[-1.5], [0.2], [2.0]]), 100_000, axis=1)
    for _ in range(200):
        noise = rng.normal(size=(3, 50_000))
        x = x + (np.sin(2.0 * x) - 0.3 * x) / 200.0
        x = x + np.sqrt(0.5 / 200.0) * np.concatenate([noise, -noise], axis=1)
    found = conditional_mean(
        lambda x: np.sin(2.0 * x) - 0.3 * x, 0.5, np.array([-1.5, 0.2, 2.0]), points=641, steps=160
    )
    np.testing.assert_allclose(found, x.mean(axis=1), atol=8e-3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("curvature", [0.0, 0.1])
def test_follows_a_drifting_process_at_one_step_a_tick(dtype: str, curvature: float) -> None:
    path = drifting(1000, 16, seed=7, curvature=curvature)
    error = errors(path, track(path, dtype=dtype), np.arange(300, 1000, 20))
    assert np.median(error) <= 0.0025
    assert np.quantile(error, 0.95) <= 0.006


def test_recovers_from_a_jump_of_the_drift() -> None:
    """Root mean square over the levels within 1% of the exact spread, and there to stay."""
    path = jumping(500, 16, seed=8, every=400)
    error = errors(path, track(path), np.arange(390, 500), order=2)
    assert np.median(error[:10]) < 0.005
    assert np.median(error[10:15]) > 0.05
    ticks = recovery(error[10:], bound=0.01)
    assert np.median(ticks) <= 31
    assert np.mean(ticks <= 35) >= 0.9


@pytest.mark.parametrize("a, q, r, last, sigma", [(0.5, 1, 1, 1, 0.5), (0.0, 1, 1, 1, 1.0)])
def test_solves_a_linear_quadratic_regulator(
    a: float, q: float, r: float, last: float, sigma: float
) -> None:
    """V_t + a x V_x - V_x²/(2 r) + q x²/2 + sigma²/2 V_xx = 0: a Riccati equation has it.

    Sixteen initialisations: root mean square errors relative to that of the solution.
    """
    x, lanes = jnp.asarray(COLLOCATION_X), 16
    equation = Equation(
        terminal=(0.5 * last * x**2, last * x, jnp.full_like(x, last)),
        generator=lambda v_x, v_xx: (
            a * x * v_x - v_x**2 / (2.0 * r) + 0.5 * q * x**2 + 0.5 * sigma**2 * v_xx
        ),
    )
    parameters = initial_parameters(jnp.arange(float(lanes))[None])
    zeros = jnp.zeros_like(parameters)
    start = Adam(parameters, zeros, zeros, jnp.zeros((1, lanes)))
    end = jax.jit(lambda adam: jax.lax.fori_loop(0, 1000, lambda _, s: improve(s, equation), adam))(
        start
    )
    riccati = solve_ivp(
        lambda _, y: [2.0 * a * y[0] - y[0] ** 2 / r + q, 0.5 * sigma**2 * y[0]],
        (0.0, 1.0),
        [last, 0.0],
        rtol=1e-10,
        atol=1e-12,
    )
    grid = np.linspace(-3.0, 3.0, 61)[:, None]
    exact = 0.5 * riccati.y[0, -1] * grid**2 + riccati.y[1, -1]
    found = 0.5 * last * grid**2 + np.asarray(value_at_start(end.parameters, jnp.asarray(grid)))
    relative = np.sqrt(np.mean((found - exact) ** 2, axis=0) / np.mean(exact**2))
    assert np.median(relative) <= 0.01 and relative.max() <= 0.03
