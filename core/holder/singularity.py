"""The exponent of the maxima line nearest to now, while it is loud enough to mean anything.

A jump, a crash or a spike is one or two increments: the filter bank takes them for noise, the
line through them does not. The invariant: a reading is taken only from a line whose modulus
exceeds `LOUD` at both its ends, in units of the asset's usual price change of late.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.holder.bank import Peak
from core.holder.ladder import ladder
from core.holder.maxima import Maxima
from core.logarithm import log

__all__ = ["LOUD", "Line", "fuse_line", "line_rows", "read_line"]

LOUD = 6.0
"""Increment scales. Both ends: a bounce is loud at the finest scale only."""
FIRST_READ = 6
"""Finest scale a line is read at, one octave and a half above its start: nearer to it the noise
of the two moduli is worth more than the exponent."""
_CERTAINTY = 1.5
"""Standard errors between a line's exponent and the threshold for a detection."""
_MOVE_GAIN = 1.0 - 0.5 ** (1.0 / 32.0)
_MOVE_BOUND = 4.0
"""Scale units. What is judged must not raise its own measure much. Also what is assumed of an
asset without history: it has to earn its sensitivity."""
_MEAN_TO_DEVIATION = 1.2533141373155003
"""sqrt(pi / 2): standard deviation over mean modulus of a normal variable."""

Rows = Mapping[str, Float[Array, "rows lanes"]]


class Line(NamedTuple):
    """The nearest line. Each [1, lanes].

    Attributes:
        peak: its exponent in [0, 1], and the standard error of it.
        share: how much of its evidence counts: 1 at its own position, 0 a buffer later.
        singular: at this tick some line shows an exponent below the threshold.
    """

    peak: Peak
    share: Float[Array, "1 lanes"]
    singular: Bool[Array, "1 lanes"]


def line_rows(window: int) -> dict[str, tuple[int, float]]:
    """The line last read, its age in ticks, and the mean modulus of the last moves."""
    return {
        "line_exponent": (1, 0.5),
        "line_error": (1, 1.0),
        "line_age": (1, float(window)),
        "mean_move": (1, _MOVE_BOUND),
    }


def read_line(
    state: Rows,
    maxima: Maxima,
    increment: Float[Array, "1 lanes"],
    *,
    cone: float,
    window: int,
    threshold: float,
    sparse: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Line]:
    """Read the lines that pass this tick's columns; the one at the finest scale is the nearest.

    Args:
        state: the fields of `line_rows`.
        maxima: of this tick.
        increment: in scale units.
        cone: the setting `besov_cone_c`.
        window: the setting `wtmm_buffer_size`: ticks after which a line no longer counts.
        threshold: the setting `holder_threshold`.
        sparse: the last reading is kept and does not age: ticks too far apart alias.

    The exponent is the slope between a line's ends: the noise of neighbouring scales is nearly
    the same, so that the scales between them add nothing (measured: the spread of the
    least-squares slope is no smaller).
    """
    constants = ladder(cone)
    move = _mean_move(state["mean_move"], increment)
    noise = jnp.maximum(_MEAN_TO_DEVIATION * move, 1.0)
    end, start = maxima.modulus[FIRST_READ:], maxima.origin[FIRST_READ:]
    weaker = jnp.minimum(end, start)
    loud = (weaker >= LOUD * noise) & ~sparse
    log_ratio = jnp.asarray(constants.log_ratio[FIRST_READ:, None], increment.dtype)
    spread = jnp.asarray(constants.noise[FIRST_READ:, None], increment.dtype)
    slope = log(jnp.where(loud, end / jnp.where(loud, start, 1.0), 1.0)) / log_ratio
    error = spread * noise / jnp.where(loud, weaker, 1.0)
    below = loud & (slope + _CERTAINTY * error < threshold)

    exponent, deviation = state["line_exponent"], state["line_error"]
    age = state["line_age"] + jnp.where(sparse, 0.0, 1.0)
    singular = jnp.zeros_like(sparse)
    for row in range(loud.shape[0] - 1, -1, -1):
        here = slice(row, row + 1)
        exponent = jnp.where(loud[here], jnp.clip(slope[here], 0.0, 1.0), exponent)
        deviation = jnp.where(loud[here], error[here], deviation)
        age = jnp.where(loud[here], float(constants.delays[FIRST_READ + row]), age)
        singular = singular | below[here]
    age = jnp.minimum(age, float(window))
    new = {
        "line_exponent": exponent,
        "line_error": deviation,
        "line_age": age,
        "mean_move": move,
    }
    return new, Line(Peak(exponent, deviation), 1.0 - age / window, singular)


def _mean_move(
    before: Float[Array, "1 lanes"], increment: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """Over moves, not ticks: where 19 of 20 prices are equal, every move is a step of 4.5 scales,
    and every large one would be a singularity. Volatility that has risen is noise, not news."""
    size = jnp.abs(increment)
    gain = jnp.where(size > 0.0, _MOVE_GAIN, 0.0)
    return before + gain * (jnp.minimum(size, _MOVE_BOUND) - before)


def fuse_line(reading: Peak, line: Line) -> Peak:
    """Mean of the path's exponent and the line's, weighted by inverse variance.

    The two are of different things: one of the path on average, the other of a point. Where they
    differ by more than their errors explain, the excess is a variance between them, added to both
    (DerSimonian & Laird 1986, for two studies). All of the line's influence fades with its age.
    """
    own, other = jnp.square(reading.standard_error), jnp.square(line.peak.standard_error)
    difference = line.peak.exponent - reading.exponent
    between = line.share * jnp.maximum(0.5 * (jnp.square(difference) - own - other), 0.0)
    weight = 1.0 / (own + between)
    line_weight = line.share / (other + between)
    total = weight + line_weight
    return Peak(reading.exponent + difference * line_weight / total, 1.0 / jnp.sqrt(total))
