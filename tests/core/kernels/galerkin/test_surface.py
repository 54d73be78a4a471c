"""The series the step reads, against NumPy's Chebyshev evaluation and the network itself."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import chebyshev

from core.kernels.galerkin.entropy import ENTROPY_GRID
from core.kernels.galerkin.surface import Surface, evaluate, fit, fresh_surface
from tests.core.kernels.galerkin.tracking import drifting, network_and_surface


def test_evaluation_is_numpys() -> None:
    rng = np.random.default_rng(0)
    coefficients, x = rng.normal(size=(20, 6)), rng.uniform(-3.0, 3.0, (1, 6))
    expected = [chebyshev.chebval(x[0, k] / 3.0, coefficients[:, k]) for k in range(6)]
    found = evaluate(jnp.asarray(coefficients), jnp.asarray(x))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_a_polynomial_is_fitted_exactly() -> None:
    values = 0.1 * ENTROPY_GRID**5 - ENTROPY_GRID**2 + 0.5
    x = np.linspace(-3.0, 3.0, 7)
    coefficients = jnp.repeat(fit(jnp.asarray(values)), 7, axis=1)
    np.testing.assert_allclose(
        evaluate(coefficients, jnp.asarray(x[None]))[0], 0.1 * x**5 - x**2 + 0.5, atol=1e-9
    )


@pytest.mark.parametrize("dtype, bound", [("float64", 1e-3), ("float32", 1e-3)])
def test_a_trained_networks_series_is_the_network(dtype: str, bound: float) -> None:
    """A thousand steps on bent drifts; levels are of order one."""
    network, series = network_and_surface(drifting(1000, 8, seed=3, curvature=0.1), dtype=dtype)
    assert np.abs(network - series).max() < bound


def test_a_fresh_surface_says_persistence() -> None:
    surface = Surface.of(jnp.asarray(fresh_surface("float64"))[:, None])
    assert not np.asarray(surface.coefficients).any()
    assert (float(surface.power[0, 0]), float(surface.generation[0, 0])) == (1.0, 0.0)
    assert float(surface.entropy[0, 0]) == pytest.approx(np.log(6.0))
