"""What all charts share: size, scales, axes, the figure around them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from ops.html.text import escaped

__all__ = [
    "BOTTOM",
    "HEIGHT",
    "LEFT",
    "RIGHT",
    "TOP",
    "WIDTH",
    "Scale",
    "colour",
    "figure",
    "nice_ticks",
    "nothing",
    "number_axis",
    "time_axis",
    "y_axis",
]

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 26
_TICKS: Final = 5
_DAY_S: Final = 86_400
_FORMS: Final = (
    (5 * _DAY_S, "%Y-%m-%d"),
    (_DAY_S / 6, "%d %H:%M"),
    (5.0, "%H:%M:%S"),
    (0.0, "%H:%M:%S.%f"),
)
"""Times by the shortest span, in seconds, of which five marks differ."""
_COLOURS: Final = 5


class Scale:
    """Values to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._factor = (end - start) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:
        return float(self._start + (value - self._low) * self._factor)


def colour(number: int) -> str:
    """The class of a series."""
    return f"c{number % _COLOURS}"


def figure(
    title: str, body: str, *, legend: Mapping[str, str], note: str = "", height: float = HEIGHT
) -> str:
    """A chart with its title above.

    Args:
        title: of the chart.
        body: SVG.
        legend: name -> class of the key.
        note: a sentence below the title.
        height: of the drawing, pixels.
    """
    keys = "".join(
        f'<span class="key {kind}">{escaped(name)}</span>' for name, kind in legend.items()
    )
    words = f"<p>{escaped(note)}</p>" if note else ""
    return (
        f"<figure><figcaption>{escaped(title)}</figcaption>{words}"
        f"{f'<p>{keys}</p>' if keys else ''}"
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escaped(title)}">'
        f"{body}</svg></figure>"
    )


def nothing(title: str) -> str:
    """A figure that has no data."""
    return f"<figure><figcaption>{escaped(title)}</figcaption><p>no data</p></figure>"


def nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) that enclose the range."""
    if high <= low:
        low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
    raw = (high - low) / _TICKS
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * 0.999))
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def y_axis(ticks: Sequence[float], y: Scale) -> str:
    """Horizontal lines with their values on the left."""
    return "".join(
        f'<path class="{"zero" if tick == 0.0 else "grid"}" '
        f'd="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
        for tick in ticks
    )


def number_axis(
    ticks: Sequence[float], x: Scale, *, top: float, bottom: float, lines: bool = True
) -> str:
    """Values below, and vertical lines from `top` to `bottom`."""
    return "".join(
        (
            f'<path class="{"zero" if tick == 0.0 else "grid"}" '
            f'd="M{x(tick):.1f} {top:.1f}V{bottom:.1f}"/>'
            if lines
            else ""
        )
        + f'<text x="{x(tick):.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{tick:.4g}</text>'
        for tick in ticks
    )


def time_axis(time_ns: Float64[ndarray, " n"], x: Scale, *, height: float = HEIGHT) -> str:
    """Times below, as precise as the span asks for."""
    span_s = (time_ns[-1] - time_ns[0]) / 1e9
    form = next(form for least_s, form in _FORMS if span_s >= least_s)
    texts, last = [], ""
    for number, at in enumerate(np.linspace(time_ns[0], time_ns[-1], _TICKS)):
        anchor = "start" if number == 0 else "end" if number == _TICKS - 1 else "middle"
        when = datetime.fromtimestamp(at / 1e9, UTC).strftime(form)
        if when != last:  # of a microsecond, or none, there is one mark
            texts.append(
                f'<text x="{x(at):.1f}" y="{height - 8:.1f}" text-anchor="{anchor}">{when}</text>'
            )
        last = when
    return "".join(texts)
