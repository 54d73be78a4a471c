"""Kernel A as in the textbooks: Yule-Walker on the increments, solved by Levinson and Durbin.

The setting `kernel_a="levinson"`. Increments, not levels: on the levels of a random walk the same
equations are 30% worse than persistence. The invariant: the weights of a product are the geometric
mean of its two ticks' weights, which makes the covariances those of a finite tapered series; the
Toeplitz matrix is then positive definite, and no reflection coefficient reaches 1.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.barrier import settle
from core.kernels.rls import dot
from core.layout import Field, State

__all__ = ["ORDER", "durbin_levinson", "fields", "update"]

ORDER = 6
FORGETTING = 0.5 ** (1.0 / 1000.0)
RIDGE = 10.0
"""Added to lag 0: as many fictitious observations of uncorrelated unit-variance noise."""
INCREMENT_BOUND = 8.0
FORECAST_BOUND = 4.0


def fields() -> tuple[Field, ...]:
    """Forgetting sums of products at lags 0 to `ORDER`, and the last `ORDER` increments."""
    return (
        Field("levinson.covariances", "A", ORDER + 1, 0.0),
        Field("levinson.past", "A", ORDER, 0.0),
    )


def update(
    state: State, increment: Float[Array, "1 lanes"]
) -> tuple[dict[str, Float[Array, "rows lanes"]], Float[Array, "1 lanes"]]:
    """Learn from r_t, then forecast r_{t+1}.

    c_k <- f c_k + f^(k/2) r_t r_{t-k}; the forecast is sum a_k r_{t+1-k} with a the solution of
    the Yule-Walker equations. Returns the new fields, and the forecast in scale units.
    """
    newest = jnp.clip(increment, -INCREMENT_BOUND, INCREMENT_BOUND)
    window = jnp.concatenate([newest, state["levinson.past"]])
    taper = jnp.asarray([[FORGETTING ** (k / 2)] for k in range(ORDER + 1)], newest.dtype)
    covariances = FORGETTING * state["levinson.covariances"] + taper * newest * window
    past = window[:ORDER]
    covariances, past = settle((covariances, past))
    ridged = jnp.concatenate([covariances[0:1] + RIDGE, covariances[1:]])
    forecast = dot(durbin_levinson(ridged), past)
    new = {"levinson.covariances": covariances, "levinson.past": past}
    return new, jnp.clip(forecast, -FORECAST_BOUND, FORECAST_BOUND)


def durbin_levinson(covariances: Float[Array, "lags lanes"]) -> Float[Array, "order lanes"]:
    """Coefficients of lags 1..p from covariances at lags 0..p, lag 0 positive.

    Unrolled over the orders, so that there is no branch and the sums have one order (Brockwell &
    Davis 1991, proposition 5.2.1).
    """
    reflection = covariances[1:2] / covariances[0:1]
    coefficients = reflection
    variance = covariances[0:1] * (1.0 - jnp.square(reflection))
    for m in range(2, covariances.shape[0]):
        explained = dot(coefficients, covariances[m - 1 : 0 : -1])
        reflection = (covariances[m : m + 1] - explained) / variance
        coefficients = jnp.concatenate([coefficients - reflection * coefficients[::-1], reflection])
        variance = variance * (1.0 - jnp.square(reflection))
    return coefficients
