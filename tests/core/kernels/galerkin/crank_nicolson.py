"""Backward Kolmogorov equation on a grid by Crank and Nicolson's scheme: the oracle of kernel B."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import solve_banded

__all__ = ["conditional_mean"]

Vector = NDArray[np.float64]


def conditional_mean(
    drift: Callable[[Vector], Vector],
    variance: float,
    at: Vector,
    *,
    reach: float = 8.0,
    points: int = 161,
    steps: int = 40,
) -> Vector:
    """u(0, x) of u_t + b u_x + sigma²/2 u_xx = 0 with u(1, x) = x, at the points asked for.

    Central differences on [-reach, reach]; at the ends u_xx = 0 and one-sided slopes.
    """
    x = np.linspace(-reach, reach, points)
    dx, dt = x[1] - x[0], 1.0 / steps
    b, half = drift(x) / (2.0 * dx), np.full(points, 0.5 * variance / dx**2)
    half[[0, -1]] = 0.0
    below, middle, above = half - b, -2.0 * half, half + b
    middle[0], above[0] = -2.0 * b[0], 2.0 * b[0]
    middle[-1], below[-1] = 2.0 * b[-1], -2.0 * b[-1]
    bands = np.zeros((3, points))
    bands[0, 1:], bands[1], bands[2, :-1] = above[:-1], middle, below[1:]
    implicit = -0.5 * dt * bands
    implicit[1] += 1.0
    u = x.copy()
    for _ in range(steps):
        moved = middle * u
        moved[:-1] += above[:-1] * u[1:]
        moved[1:] += below[1:] * u[:-1]
        u = solve_banded((1, 1), implicit, u + 0.5 * dt * moved)
    return np.asarray(CubicSpline(x, u)(at))
