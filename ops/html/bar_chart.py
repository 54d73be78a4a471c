"""Bars over equal bins, and where they should end."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from ops.html.frame import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Scale,
    colour,
    figure,
    nice_ticks,
    nothing,
    number_axis,
    y_axis,
)

__all__ = ["bar_chart"]


def bar_chart(
    title: str,
    series: Mapping[str, Float64[ndarray, " bins"]],
    *,
    low: float,
    high: float,
    ticks: Sequence[float],
    level: float | None = None,
    level_name: str = "",
    note: str = "",
) -> str:
    """A figure: each series' bars side by side in every bin.

    Args:
        title: of the figure.
        series: heights by name.
        low, high: where the bins begin and end.
        ticks: values on the horizontal axis.
        level: a dashed line across.
        level_name: what it is, for the legend.
        note: a sentence below the title.
    """
    heights = np.stack(list(series.values()))
    if not np.isfinite(heights).any():
        return nothing(title)
    marks = nice_ticks(0.0, max(float(np.nanmax(heights)), level or 0.0))
    bottom = HEIGHT - BOTTOM
    x = Scale(low, high, LEFT, WIDTH - RIGHT)
    y = Scale(marks[0], marks[-1], bottom, TOP)
    bins = heights.shape[1]
    room = (WIDTH - RIGHT - LEFT) / bins
    wide = (room - 2.0) / len(series)
    body = [y_axis(marks, y), number_axis(ticks, x, top=TOP, bottom=bottom - 2.0, lines=False)]
    for number, line in enumerate(heights):
        body += [
            f'<rect class="bar {colour(number)}" x="{LEFT + at * room + 1 + number * wide:.1f}" '
            f'y="{y(value):.1f}" width="{wide:.1f}" height="{bottom - y(value):.1f}"/>'
            for at, value in enumerate(line.tolist())
            if np.isfinite(value)
        ]
    legend = {name: colour(number) for number, name in enumerate(series)}
    if level is not None:
        body.append(f'<path class="mark" d="M{LEFT} {y(level):.1f}H{WIDTH - RIGHT}"/>')
        legend[level_name] = "mark"
    return figure(title, "".join(body), legend=legend, note=note)
