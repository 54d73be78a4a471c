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
    each of these. It is turned so that the filters of a tap lie beside each other: of one lane
    alone they are what is vectorised over.
    """
    by_tap = jnp.asarray(filters.T[:, :, None], past.dtype)
    by_tap, past = settle((by_tap, past))
    summed = by_tap[0] * past[0:1]
    for tap in range(1, len(by_tap)):
        summed = summed + by_tap[tap] * past[tap : tap + 1]
    return summed
