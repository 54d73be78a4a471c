"""Lines over time, with bands, marks and shaded spans."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

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
    time_axis,
    y_axis,
)
from ops.html.text import escaped

__all__ = ["line_chart"]

_Band = tuple[Float64[ndarray, " n"], Float64[ndarray, " n"]]


def line_chart(
    title: str,
    time_ns: Float64[ndarray, " n"],
    lines: Mapping[str, Float64[ndarray, " n"]],
    *,
    bands: Mapping[str, _Band] | None = None,
    marks_ns: Sequence[float] = (),
    marks: str = "",
    shades_ns: Sequence[tuple[float, float]] = (),
    shades: str = "",
    zero: bool = False,
    note: str = "",
) -> str:
    """A figure: legend, axes, lines; gaps where a value is NaN.

    Args:
        title: of the figure.
        time_ns: event time, nanoseconds since the Unix epoch.
        lines: what is drawn, by its name in the legend.
        bands: of some of the lines, low and high.
        marks_ns: times of vertical marks.
        marks: what they are, for the legend.
        shades_ns: spans of time.
        shades: what they are, for the legend.
        zero: whether zero belongs on the axis.
        note: a sentence below the title.
    """
    bands = bands or {}
    drawn = [*lines.values(), *(edge for band in bands.values() for edge in band)]
    values = np.concatenate([line[np.isfinite(line)] for line in drawn] or [np.zeros(0)])
    if not values.size or time_ns.size < 2:
        return nothing(title)
    ticks = nice_ticks(
        min(values.min(), 0.0) if zero else float(values.min()),
        max(values.max(), 0.0) if zero else float(values.max()),
    )
    bottom = HEIGHT - BOTTOM
    x = Scale(time_ns[0], time_ns[-1], LEFT, WIDTH - RIGHT)
    y = Scale(ticks[0], ticks[-1], bottom, TOP)
    body = [
        f'<rect class="shade" x="{x(begin):.1f}" y="{TOP}" '
        f'width="{max(x(end) - x(begin), 1.0):.1f}" height="{bottom - TOP}"/>'
        for begin, end in shades_ns
    ]
    body += [y_axis(ticks, y), time_axis(time_ns, x)]
    body += [f'<path class="mark" d="M{x(at):.1f} {TOP}V{bottom}"/>' for at in marks_ns]
    for number, (name, line) in enumerate(lines.items()):
        if name in bands:
            shape = _area(time_ns, bands[name], x, y)
            body.append(f'<path class="band {colour(number)}" d="{shape}"/>')
        body.append(
            f'<path class="line {colour(number)}" d="{_path(time_ns, line, x, y)}">'
            f"<title>{escaped(name)}</title></path>"
        )
    legend = {name: colour(number) for number, name in enumerate(lines)}
    if marks_ns:
        legend[marks] = "mark"
    if shades_ns:
        legend[shades] = "shade"
    return figure(title, "".join(body), legend=legend, note=note)


def _path(time_ns: Float64[ndarray, " n"], line: Float64[ndarray, " n"], x: Scale, y: Scale) -> str:
    """Move to the first point after a gap, line to the others."""
    words, drawing = [], False
    for at, value in zip(time_ns.tolist(), line.tolist(), strict=True):
        if np.isfinite(value):
            words.append(f"{'L' if drawing else 'M'}{x(at):.1f} {y(value):.1f}")
        drawing = bool(np.isfinite(value))
    return "".join(words)


def _area(time_ns: Float64[ndarray, " n"], band: _Band, x: Scale, y: Scale) -> str:
    """One closed shape for each stretch without gaps."""
    low, high = band
    known = np.concatenate([[False], np.isfinite(low) & np.isfinite(high), [False]])
    words = []
    edges = np.flatnonzero(known[1:] != known[:-1]).tolist()
    for begin, end in list(pairwise(edges))[::2]:
        points = [(time_ns[i], high[i]) for i in range(begin, end)]
        points += [(time_ns[i], low[i]) for i in reversed(range(begin, end))]
        words.append("M" + "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in points) + "Z")
    return "".join(words)
