"""The path's exponent from its maxima lines alone: `holder_estimator="wtmm"`.

The mean exponent of the lines that crossed all scales, over about the last buffer. It is what
wavelet maxima can say about a path without singularities, and a poor estimator: nine lines in 128
ticks, each with a spread of 0.46. The filter bank reads the same increments at their full worth.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.holder.bank import Peak
from core.holder.ladder import ladder
from core.holder.maxima import Maxima
from core.holder.singularity import LOUD
from core.logarithm import log

__all__ = ["read_texture", "texture_rows"]

Rows = Mapping[str, Float[Array, "rows lanes"]]

_SELECTION_BIAS = 0.35
"""A line starts where the finest modulus is a maximum, hence by chance large, which tilts the line.
Measured on exact fractional Brownian paths: 0.33 to 0.38 for H from 0.2 to 0.8."""
_SPREAD = 0.46
"""Standard deviation of one line's exponent on the same paths; hardly depends on H."""
_PRIOR_PRECISION = 12.0 / 0.9**2
_NEUTRAL_WEIGHT = 1.0
"""Lines seen before their mean is believed more than H = 1/2."""


def texture_rows() -> dict[str, tuple[int, float]]:
    """Mean exponent of the lines, and the forgetting number of them."""
    return {"texture_mean": (1, 0.5), "texture_lines": (1, 0.0)}


def read_texture(
    state: Rows, maxima: Maxima, *, cone: float, window: int, sparse: Bool[Array, "1 lanes"]
) -> tuple[dict[str, Float[Array, "rows lanes"]], Peak]:
    """Average in the line that has just ended at the coarsest scale, if one did.

    Args:
        state: the fields of `texture_rows`.
        maxima: of this tick, with lines of any modulus.
        cone: the setting `besov_cone_c`.
        window: the setting `wtmm_buffer_size`; a line's weight halves in half of it.
        sparse: nothing is averaged in or forgotten.
    """
    end, start = maxima.modulus[-1:], maxima.origin[-1:]
    # Loud lines are read one by one (`singularity`); here a jump would weigh as much as noise.
    ended = (start > 0.0) & (start < LOUD) & ~sparse
    ratio = jnp.where(ended, end, 1.0) / jnp.where(ended, start, 1.0)
    exponent = log(ratio) / float(ladder(cone).log_ratio[-1]) + _SELECTION_BIAS
    forgetting = jnp.where(sparse, 1.0, 0.5 ** (2.0 / window))
    lines = forgetting * state["texture_lines"] + ended.astype(end.dtype)
    gain = jnp.where(ended, 1.0 / jnp.maximum(lines, 1.0), 0.0)
    mean = state["texture_mean"] + gain * (exponent - state["texture_mean"])
    trust = lines**2 / (lines**2 + _NEUTRAL_WEIGHT**2)
    precision = lines / _SPREAD**2 + _PRIOR_PRECISION
    peak = Peak(0.5 + trust * (jnp.clip(mean, 0.0, 1.0) - 0.5), 1.0 / jnp.sqrt(precision))
    return {"texture_mean": mean, "texture_lines": lines}, peak
