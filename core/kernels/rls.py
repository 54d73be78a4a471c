"""Recursive least squares with forgetting, one independent regression per entry of the batch."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.barrier import settle

__all__ = ["Regression", "dot", "update"]


class Regression(NamedTuple):
    """A regression in progress.

    Attributes:
        covariance: P, the inverse of the forgetting sum of outer products; exactly symmetric.
        coefficients: the current estimate.
    """

    covariance: Float[Array, "n n *batch"]
    coefficients: Float[Array, "n *batch"]


def dot(a: Float[Array, "n *batch"], b: Float[Array, "n *batch"]) -> Float[Array, "1 *batch"]:
    """Inner product over the rows, in row order."""
    total = a[0:1] * b[0:1]
    for row in range(1, a.shape[0]):
        total = total + a[row : row + 1] * b[row : row + 1]
    return total


def update(
    regression: Regression,
    features: Float[Array, "n *batch"],
    target: Float[Array, "1 *batch"],
    *,
    forgetting: float,
    trace_cap: float | Float[Array, "..."],
) -> Regression:
    """One observation (Haykin, Adaptive Filter Theory, table 9.1), with P's trace capped.

    P is only ever changed by outer products and scalars, which keep it symmetric to the bit. The
    cap stops wind-up: a direction that is not excited would otherwise grow as forgetting^-t.
    """
    P, n = regression.covariance, features.shape[0]
    # Rows for columns, which they equal to the bit: a row's entries lie beside each other.
    projected = P[0] * features[0]
    for j in range(1, n):
        projected = projected + P[j] * features[j]
    projected = settle(projected)
    excitation = settle(forgetting + dot(features, projected))
    error = target - dot(regression.coefficients, features)
    # One vector times itself: products commute to the bit, also where the compiler fuses the
    # multiplication into the subtraction. gain_i * projected_j would not.
    root = projected / jnp.sqrt(excitation)
    P = (P - root[:, None] * root[None, :]) / forgetting
    P = settle(P)
    trace = P[0, 0]
    for i in range(1, n):
        trace = trace + P[i, i]
    P = P * settle(jnp.minimum(1.0, trace_cap / jnp.maximum(trace, 1e-30)))
    return Regression(P, regression.coefficients + projected / excitation * error)
