"""The network's jet and gradient against JAX's own derivatives of a plain network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.kernels.galerkin.equation import COLLOCATION_T, COLLOCATION_X, Equation, loss
from core.kernels.galerkin.network import (
    PARAMETERS,
    UNITS,
    initial_parameters,
    jet,
    value_at_start,
)

LANES = 3
RNG = np.random.default_rng(4)


def plain(p: jax.Array, t: jax.Array, x: jax.Array) -> jax.Array:
    """N(t, x) of one network at one point, written from the definition."""
    time, space, bias = p[:UNITS], p[UNITS : 2 * UNITS], p[2 * UNITS : 3 * UNITS]
    at = 3 * UNITS
    hidden = p[at : at + UNITS**2].reshape(UNITS, UNITS)
    hidden_bias = p[at + UNITS**2 : at + UNITS**2 + UNITS]
    out, out_bias = p[-UNITS - 1 : -1], p[-1]
    first = jnp.tanh(time * t + space * x / 3.0 + bias)
    value: jax.Array = out / 4.0 @ jnp.tanh(hidden @ first / 2.0 + hidden_bias) + out_bias
    return value


def some_parameters() -> jax.Array:
    return jnp.asarray(RNG.normal(size=(PARAMETERS, LANES)))


def some_points(count: int) -> tuple[jax.Array, jax.Array]:
    t, x = RNG.uniform(0.0, 1.0, (count, 1)), RNG.uniform(-3.0, 3.0, (count, 1))
    return jnp.asarray(t), jnp.asarray(x)


def test_jet_is_the_networks_taylor_series() -> None:
    p, (t, x) = some_parameters(), some_points(7)
    found = jet(p, t, x)
    for lane in range(LANES):
        for k in range(7):
            at = (p[:, lane], t[k, 0], x[k, 0])
            expected = (plain(*at), jax.grad(plain, 1)(*at), jax.grad(plain, 2)(*at))
            for part, value in zip(found[:3], expected, strict=True):
                np.testing.assert_allclose(part[k, lane], value, rtol=1e-11, atol=1e-12)
            curvature = jax.grad(jax.grad(plain, 2), 2)(*at)
            np.testing.assert_allclose(found.xx[k, lane], curvature, rtol=1e-11, atol=1e-12)


def test_value_at_start_is_the_network_at_time_zero() -> None:
    p, (_, x) = some_parameters(), some_points(5)
    np.testing.assert_allclose(
        value_at_start(p, x), jet(p, jnp.zeros_like(x), x).value, rtol=1e-12, atol=1e-14
    )


def test_gradient_of_the_residual_is_reverse_mode_through_a_plain_network() -> None:
    """u_t + 0.3 x u_x - u_x² + 0.2 u_xx with u(1, x) = x²/2: every term of the jet matters."""
    x = jnp.asarray(COLLOCATION_X)
    equation = Equation(
        terminal=(x * x / 2.0, x, jnp.ones_like(x)),
        generator=lambda u_x, u_xx: 0.3 * x * u_x - u_x**2 + 0.2 * u_xx,
    )

    def plain_loss(p: jax.Array) -> jax.Array:
        def residual(t: jax.Array, x: jax.Array) -> jax.Array:
            def u(t: jax.Array, x: jax.Array) -> jax.Array:
                return x * x / 2.0 + (1.0 - t) * plain(p, t, x)

            u_x = jax.grad(u, 1)
            slope, bend = u_x(t, x), jax.grad(lambda x: u_x(t, x))(x)
            left: jax.Array = jax.grad(u, 0)(t, x) + 0.3 * x * slope - slope**2 + 0.2 * bend
            return left

        points = jnp.asarray(COLLOCATION_T[:, 0]), jnp.asarray(COLLOCATION_X[:, 0])
        mean: jax.Array = jnp.mean(jax.vmap(residual)(*points) ** 2)
        return mean

    p = some_parameters()
    value, pull = jax.vjp(lambda q: loss(q, equation), p)
    (gradient,) = pull(jnp.ones_like(value))
    for lane in range(LANES):
        expected, slope = jax.value_and_grad(plain_loss)(p[:, lane])
        np.testing.assert_allclose(value[lane], expected, rtol=1e-10)
        np.testing.assert_allclose(gradient[:, lane], slope, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_generations_start_apart_and_always_at_the_terminal_condition(dtype: str) -> None:
    generations = jnp.arange(40.0, dtype=dtype)[None]
    p = initial_parameters(generations)
    assert p.dtype == np.dtype(dtype)
    by_numpy = initial_parameters(np.asarray(generations))
    assert isinstance(by_numpy, np.ndarray)
    assert np.asarray(jax.jit(initial_parameters)(generations)).tobytes() == by_numpy.tobytes()
    np.testing.assert_array_equal(p, by_numpy)
    x = jnp.linspace(-3.0, 3.0, 9, dtype=dtype)[:, None]
    assert not np.asarray(value_at_start(p, x)).any()
    hidden = np.asarray(p)[3 * UNITS : 3 * UNITS + UNITS**2]
    correlation = np.corrcoef(hidden.T)
    assert np.abs(correlation[~np.eye(40, dtype=bool)]).max() < 0.3
    assert abs(hidden.mean()) < 0.05
    assert abs(hidden.std() - 1.5 / np.sqrt(3.0)) < 0.05  # of a uniform law on [-1.5, 1.5]
