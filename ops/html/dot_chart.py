"""Rows of dots with whiskers: values that are compared, and how sure they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.html.frame import RIGHT, WIDTH, Scale, colour, figure, nice_ticks, nothing, number_axis
from ops.html.text import escaped
from ops.terminal import printable

__all__ = ["Dot", "DotRow", "dot_chart"]

_ROW: Final = 22
_LABELS: Final = 190
_TOP: Final = 6
_LONGEST: Final = 28
_AXIS: Final = 28


@dataclass(frozen=True, slots=True)
class Dot:
    """Attributes:
    value: where it is.
    low, high: ends of its whisker; NaN without.
    """

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class DotRow:
    """A label, and a dot of each series, in the legend's order."""

    label: str
    dots: tuple[Dot, ...]


def dot_chart(title: str, names: Sequence[str], rows: Sequence[DotRow], *, note: str = "") -> str:
    """A figure; zero is on its axis.

    Args:
        title: of the figure.
        names: of the series.
        rows: from above.
        note: a sentence below the title.
    """
    values = [
        value
        for row in rows
        for dot in row.dots
        for value in (dot.value, dot.low, dot.high)
        if math.isfinite(value)
    ]
    if not values:
        return nothing(title)
    ticks = nice_ticks(min(0.0, *values), max(0.0, *values))
    x = Scale(ticks[0], ticks[-1], _LABELS, WIDTH - RIGHT - 10)
    bottom = _TOP + _ROW * len(rows)
    body = [number_axis(ticks, x, top=_TOP, bottom=bottom)]
    for number, row in enumerate(rows):
        middle = _TOP + _ROW * (number + 0.5)
        label = printable(row.label)  # before it is cut: that makes it longer
        label = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
        body.append(
            f'<text x="{_LABELS - 10}" y="{middle + 4:.1f}" text-anchor="end">'
            f"{escaped(label)}</text>"
        )
        body += [
            _dot(dot, x, middle + 5.0 * (place - (len(row.dots) - 1) / 2.0), colour(place))
            for place, dot in enumerate(row.dots)
            if math.isfinite(dot.value)
        ]
    legend = {name: colour(place) for place, name in enumerate(names)}
    return figure(title, "".join(body), legend=legend, note=note, height=bottom + _AXIS)


def _dot(dot: Dot, x: Scale, y: float, kind: str) -> str:
    whisker = ""
    if math.isfinite(dot.low) and math.isfinite(dot.high):
        whisker = f'<path class="whisker {kind}" d="M{x(dot.low):.1f} {y:.1f}H{x(dot.high):.1f}"/>'
    return f'{whisker}<circle class="dot {kind}" cx="{x(dot.value):.1f}" cy="{y:.1f}" r="4"/>'
