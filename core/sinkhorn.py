"""Balancing a symmetric kernel to a doubly stochastic one, in the log domain.

A fixed number of iterations: a loop until convergence would make a lane's cost, and on some
backends its bits, depend on its neighbours.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.folds import largest, total
from core.logarithm import log

__all__ = ["Balanced", "balance"]


class Balanced(NamedTuple):
    """A balanced kernel.

    Attributes:
        plan: the doubly stochastic kernel.
        residual: largest deviation of a row sum of the scaled kernel from 1, [1, lanes].
    """

    plan: Float[Array, "n n lanes"]
    residual: Float[Array, "1 lanes"]


def balance(log_kernel: Float[Array, "n n lanes"], *, iterations: int) -> Balanced:
    """Scale a symmetric kernel by u_i u_j until every row sums to 1 (Knight, Ruiz & Uçar 2014).

    The damped symmetric iteration log u <- (log u - log(K u)) / 2 keeps the plan symmetric and
    contracts by at least 1/2 a step for a positive semidefinite plan.
    """
    log_u = jnp.zeros_like(log_kernel[:, 0])
    for _ in range(iterations):
        log_u = 0.5 * (log_u - _log_row_sums(log_kernel, log_u))
    # The two scalings first: added one by one they would round differently in each triangle.
    plan = jnp.exp(log_kernel + (log_u[:, None] + log_u[None, :]))
    sums = total(plan, axis=1)[:, 0]
    return Balanced(plan, largest(jnp.abs(sums - 1.0)))


def _log_row_sums(
    log_kernel: Float[Array, "n n lanes"], log_u: Float[Array, "n lanes"]
) -> Float[Array, "n lanes"]:
    terms = log_kernel + log_u[None, :]
    top = largest(terms, axis=1)
    return (top + log(total(jnp.exp(terms - top), axis=1)))[:, 0]
