"""Counts over time, a strip a kind: the more, the stronger the colour."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from ops.html.frame import RIGHT, WIDTH, Scale, colour, figure, nothing, time_axis
from ops.html.text import escaped

__all__ = ["heat_strip"]

_ROW: Final = 22
_LABELS: Final = 190
_TOP: Final = 4


def heat_strip(
    title: str,
    time_ns: Float64[ndarray, " n"],
    strips: Mapping[str, Float64[ndarray, " n"]],
    *,
    note: str = "",
) -> str:
    """A figure.

    Args:
        title: of the figure.
        time_ns: middles of equally long stretches.
        strips: counts by name.
        note: a sentence below the title.
    """
    if not strips or time_ns.size < 2:
        return nothing(title)
    x = Scale(time_ns[0], time_ns[-1], _LABELS, WIDTH - RIGHT)
    wide = (WIDTH - RIGHT - _LABELS) / time_ns.size
    body = []
    for number, (name, counts) in enumerate(strips.items()):
        top = _TOP + _ROW * number
        body.append(
            f'<text x="{_LABELS - 10}" y="{top + 15}" text-anchor="end">{escaped(name)} '
            f"({int(counts.sum()):,})</text>"
            f'<path class="grid" d="M{_LABELS} {top + _ROW - 1}H{WIDTH - RIGHT}"/>'
        )
        # On a logarithm: one event must be seen beside a thousand.
        depth = np.log1p(counts) / np.log1p(max(float(counts.max()), 1.0))
        body += [
            f'<rect class="bar {colour(number)}" x="{_LABELS + at * wide:.1f}" y="{top + 2}" '
            f'width="{max(wide, 1.0):.1f}" height="{_ROW - 5}" '
            f'style="opacity:{0.25 + 0.75 * depth[at]:.2f}">'
            f"<title>{escaped(name)}: {int(counts[at]):,}</title></rect>"
            for at in np.flatnonzero(counts > 0).tolist()
        ]
    height = _TOP + _ROW * len(strips) + 24
    body.append(time_axis(time_ns, x, height=height))
    return figure(title, "".join(body), legend={}, note=note, height=height)
