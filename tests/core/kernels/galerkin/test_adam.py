"""Adam's two guards: gradients that are not finite, and gradients that are too long."""

import jax.numpy as jnp
import numpy as np

from core.kernels.galerkin.adam import GRADIENT_NORM, Adam, descend


def start(lanes: int) -> Adam:
    ones = jnp.ones((3, lanes))
    return Adam(ones, 0.1 * ones, 0.2 * ones, jnp.full((1, lanes), 7.0))


def test_what_is_not_finite_of_a_gradient_counts_as_zero() -> None:
    gradient = jnp.array([[np.nan, 0.0], [-np.inf, 0.0], [2.0, 2.0]])
    for part in descend(start(2), gradient):
        assert bool(jnp.isfinite(part).all())
        np.testing.assert_array_equal(part[:, 0], part[:, 1])


def test_a_gradient_is_shortened_to_ten_and_never_lengthened() -> None:
    direction = jnp.array([[0.6], [0.0], [-0.8]])
    assert GRADIENT_NORM == 10.0
    lengths = jnp.array([[1e-3, 10.0, 11.0, 1e6]])
    after = descend(start(4), direction * lengths)
    shortened = jnp.minimum(lengths, 10.0)
    np.testing.assert_allclose(after.first, 0.8 * 0.1 + 0.2 * direction * shortened, rtol=1e-6)
