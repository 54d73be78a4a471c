"""Wavelet modulus maxima, tick by tick: new columns, which are maxima, and the lines they join.

Source: Mallat & Hwang 1992. At every tick each scale computes the one column that has just become
computable and judges the column before it. Coarser scales lag behind finer ones by as much as a
line may move, so that a maximum finds all finer lines it could belong to already there. The
invariant: a line is known by the amplitude at its finest maximum alone (0: no line), so its
history is never stored.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from core.barrier import reshaped, settle
from core.holder.correlation import correlate
from core.holder.ladder import SCALES, ladder

__all__ = ["Maxima", "maxima_rows", "update_maxima"]

Rows = Mapping[str, Float[Array, "rows lanes"]]
_COUNT = len(SCALES)


class Maxima(NamedTuple):
    """The columns judged at this tick, a different position for each scale.

    Attributes:
        modulus: |W|, in increment scales of a step; [scales, lanes].
        origin: modulus at the finest end of the line that passes here; 0 where none does.
    """

    modulus: Float[Array, "scales lanes"]
    origin: Float[Array, "scales lanes"]


def maxima_rows(cone: float) -> dict[str, tuple[int, float]]:
    """The two latest columns of each scale, and the lines its coarser neighbour may still join."""
    slots = 2 * max(ladder(cone).reach) + 1
    return {"columns": (2 * _COUNT, 0.0), "lines": (slots * (_COUNT - 1), 0.0)}


def update_maxima(
    cone: float, state: Rows, past: Float[Array, "span lanes"], *, gate: float
) -> tuple[dict[str, Float[Array, "rows lanes"]], Maxima]:
    """Move on by one tick.

    Args:
        cone: the setting `besov_cone_c`.
        state: the fields of `maxima_rows`.
        past: increments in scale units, newest first.
        gate: lines start at finest maxima of at least this modulus.
    """
    newest = settle(correlate(ladder(cone).filters, past))
    judged, before = state["columns"][:_COUNT], state["columns"][_COUNT:]
    peak = _is_maximum(before, judged, newest)
    slots = state["lines"].reshape(-1, _COUNT - 1, past.shape[-1])
    first = jnp.where(jnp.abs(judged[:1]) >= gate, judged[:1], 0.0)
    line = jnp.where(peak, jnp.concatenate([first, _join(slots, judged[1:])]), 0.0)
    new = {
        "columns": jnp.concatenate([newest, judged]),
        "lines": reshaped(_pushed(slots, line[:-1], ladder(cone).reach), *state["lines"].shape),
    }
    return new, Maxima(modulus=jnp.abs(judged), origin=jnp.abs(line))


def _is_maximum(
    before: Float[Array, "scales lanes"],
    judged: Float[Array, "scales lanes"],
    after: Float[Array, "scales lanes"],
) -> Bool[Array, "scales lanes"]:
    """Of the modulus between its zeros: a neighbour of the other sign is beyond a zero.

    A step's two maxima are neighbours at the finest scales; comparing bare moduli would keep one.
    """
    size, sign = jnp.abs(judged), jnp.where(judged < 0.0, -1.0, 1.0)
    return (size > sign * before) & (size >= sign * after)


def _join(
    slots: Float[Array, "slots finer lanes"], judged: Float[Array, "finer lanes"]
) -> Float[Array, "finer lanes"]:
    """The nearest finer line of the same sign; of two as near, the newer. 0 if there is none."""
    middle = slots.shape[0] // 2
    joined = jnp.zeros_like(judged)
    for distance in range(middle + 1):
        for slot in dict.fromkeys((middle - distance, middle + distance)):
            found = (joined == 0.0) & (slots[slot] * judged > 0.0)
            joined = jnp.where(found, slots[slot], joined)
    return joined


def _pushed(
    slots: Float[Array, "slots finer lanes"],
    newest: Float[Array, "finer lanes"],
    reach: tuple[int, ...],
) -> Float[Array, "slots finer lanes"]:
    """Lines by position, newest first, aligned so that the coarser scale stands at the middle.

    Only the slots within a scale's reach of the middle are in use; the others stay 0.
    """
    offset = (np.arange(slots.shape[0]) - slots.shape[0] // 2)[:, None, None]
    width = np.array(reach)[None, :, None]
    aged = jnp.concatenate([jnp.zeros_like(slots[:1]), slots[:-1]])
    inside = (offset > -width) & (offset <= width)
    return jnp.where(offset == -width, newest, jnp.where(inside, aged, 0.0))
