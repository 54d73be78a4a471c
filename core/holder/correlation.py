"""A table of filters applied to the newest increments."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.barrier import settle

__all__ = ["correlate"]


def correlate(
    filters: Float[np.ndarray, "filters taps"], past: Float[Array, "span lanes"]
) -> Float[Array, "filters lanes"]:
    """The sum over taps of each filter times the increments, newest first; taps <= span.

    Unrolled rather than a matrix product: the order of the additions is then ours, the same for
    every lane and on every backend. The table is settled together with what is no constant, or
    XLA would cut it into a constant for each tap, and every call of the step makes a buffer for
    each of these.
    """
    table, past = settle((jnp.asarray(filters, past.dtype), past))
    summed = table[:, 0:1] * past[0:1]
    for tap in range(1, table.shape[1]):
        summed = summed + table[:, tap : tap + 1] * past[tap : tap + 1]
    return summed
