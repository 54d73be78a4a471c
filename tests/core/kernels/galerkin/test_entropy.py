"""Entropy of functions of a uniform x, whose law is known in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from core.kernels.galerkin.entropy import ENTROPY_GRID, TERMINAL_ENTROPY, spacing_entropy

UNIFORM = (ENTROPY_GRID + 3.0) / 6.0


def entropy_of(values: np.ndarray, dtype: str = "float64") -> float:
    return float(spacing_entropy(jnp.asarray(values, dtype))[0, 0])


def closed_forms() -> dict[str, tuple[np.ndarray, float]]:
    # H[f(X)] = H[X] + E ln f'(X), and ln sech² integrates to a known number.
    x = np.linspace(-3.0, 3.0, 200_001)
    squeezed = np.log(6.0) + np.trapezoid(-2.0 * np.log(np.cosh(x)), x) / 6.0
    return {
        "uniform": (ENTROPY_GRID, np.log(6.0)),
        "normal": (stats.norm.ppf(UNIFORM), 0.5 * np.log(2.0 * np.pi * np.e)),
        "tanh": (np.tanh(ENTROPY_GRID), squeezed),
        "exponential": (-np.log1p(-UNIFORM), 1.0),
        "logistic": (stats.logistic.ppf(UNIFORM), 2.0),
    }


@pytest.mark.parametrize("law", closed_forms())
@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_within_a_tenth_of_a_nat_in_any_unit(law: str, unit: float, dtype: str) -> None:
    values, exact = closed_forms()[law]
    assert abs(entropy_of(unit * values, dtype) - (exact + np.log(unit))) <= 0.1


def test_the_order_and_the_sign_of_the_values_do_not_matter() -> None:
    values = np.tanh(ENTROPY_GRID)
    shuffled = np.random.default_rng(0).permutation(values)
    assert entropy_of(shuffled) == entropy_of(values)
    assert entropy_of(-values) == pytest.approx(entropy_of(values), abs=1e-12)


def test_an_order_beside_it_does_not_matter_either() -> None:
    """All are sorted or none: where each ascends already, nothing is."""
    columns = np.random.default_rng(1).normal(size=(len(ENTROPY_GRID), 4))
    columns[:, 1] = np.sort(columns[:, 1])
    columns[:, 2] = ENTROPY_GRID[:, 0]
    mixed = np.asarray(spacing_entropy(jnp.asarray(columns)))[0]
    ascending = np.asarray(spacing_entropy(jnp.asarray(np.sort(columns, axis=0))))[0]
    assert np.array_equal(mixed, ascending)
    assert mixed.tolist() == [entropy_of(column[:, np.newaxis]) for column in columns.T]


@pytest.mark.parametrize("share", [1.0, 0.51, 0.49, 1e-3])
def test_a_linear_function_loses_the_logarithm_of_its_slope(share: float) -> None:
    """So that entropy power against the terminal condition is the slope itself."""
    assert np.exp(entropy_of(share * ENTROPY_GRID) - TERMINAL_ENTROPY) == pytest.approx(share)


def test_a_constant_has_next_to_no_entropy() -> None:
    assert entropy_of(np.full((128, 1), 0.7)) < -60.0


def test_is_scipys_estimator_but_for_the_ends() -> None:
    """SciPy divides by 2 m steps also where the ends leave fewer: k = m, ..., 2 m - 1 on each."""
    sample = np.random.default_rng(3).normal(size=(128, 1))
    scipys = stats.differential_entropy(sample[:, 0], window_length=3, method="vasicek")
    ends = 2.0 * sum(np.log(6.0 / steps) for steps in (3, 4, 5)) / 128.0
    assert entropy_of(sample) == pytest.approx(scipys + ends, abs=1e-12)
