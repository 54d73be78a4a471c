"""Line charts as inline SVG, readable in light and dark: colours are the page's variables."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

__all__ = ["line_chart"]

_WIDTH, _HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 26
_Y_TICKS, _X_TICKS = 5, 5
_DAY_S: Final = 86_400
_COLOURS: Final = 5


def line_chart(
    title: str,
    time_ns: Float64[ndarray, " n"],
    lines: Mapping[str, Float64[ndarray, " n"]],
    *,
    marks_ns: Sequence[float] = (),
    marks: str = "",
    zero: bool = False,
) -> str:
    """A figure: legend, axes, lines; gaps where a value is NaN.

    Args:
        title: of the figure.
        time_ns: event time, nanoseconds since the Unix epoch.
        lines: what is drawn, by its name in the legend.
        marks_ns: times of vertical marks.
        marks: what they are, for the legend.
        zero: whether zero belongs on the axis.
    """
    values = np.concatenate([line[np.isfinite(line)] for line in lines.values()] or [np.zeros(0)])
    if not values.size or time_ns.size < 2:
        return f"<figure><figcaption>{escape(title)}</figcaption><p>no data</p></figure>"
    ticks = _nice_ticks(
        min(values.min(), 0.0) if zero else float(values.min()),
        max(values.max(), 0.0) if zero else float(values.max()),
    )
    x, y = (
        _Scale(time_ns[0], time_ns[-1], _LEFT, _WIDTH - _RIGHT),
        _Scale(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP),
    )
    body = [_y_axis(ticks, y), _x_axis(time_ns, x)]
    body += [f'<path class="mark" d="M{x(at):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>' for at in marks_ns]
    for number, (name, line) in enumerate(lines.items()):
        body.append(
            f'<path class="line c{number % _COLOURS}" d="{_path(time_ns, line, x, y)}">'
            f"<title>{escape(name)}</title></path>"
        )
    legend = [
        f'<span class="key c{i % _COLOURS}">{escape(name)}</span>' for i, name in enumerate(lines)
    ]
    if marks_ns:
        legend.append(f'<span class="key mark">{escape(marks)}</span>')
    return (
        f"<figure><figcaption>{escape(title)}</figcaption><p>{''.join(legend)}</p>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(body)}</svg></figure>"
    )


class _Scale:
    """Values to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._factor = (end - start) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:
        return float(self._start + (value - self._low) * self._factor)


def _nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) that enclose the range."""
    if high <= low:
        low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
    raw = (high - low) / _Y_TICKS
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * 0.999))
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _y_axis(ticks: list[float], y: _Scale) -> str:
    return "".join(
        f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
        for tick in ticks
    )


def _x_axis(time_ns: Float64[ndarray, " n"], x: _Scale) -> str:
    span_s = (time_ns[-1] - time_ns[0]) / 1e9
    form = "%Y-%m-%d" if span_s > 5 * _DAY_S else "%d %H:%M" if span_s > _DAY_S / 6 else "%H:%M:%S"
    texts = []
    for number, at in enumerate(np.linspace(time_ns[0], time_ns[-1], _X_TICKS)):
        anchor = "start" if number == 0 else "end" if number == _X_TICKS - 1 else "middle"
        when = datetime.fromtimestamp(at / 1e9, UTC).strftime(form)
        texts.append(
            f'<text x="{x(at):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{when}</text>'
        )
    return "".join(texts)


def _path(
    time_ns: Float64[ndarray, " n"], line: Float64[ndarray, " n"], x: _Scale, y: _Scale
) -> str:
    """Move to the first point after a gap, line to the others."""
    words, drawing = [], False
    for at, value in zip(time_ns.tolist(), line.tolist(), strict=True):
        if np.isfinite(value):
            words.append(f"{'L' if drawing else 'M'}{x(at):.1f} {y(value):.1f}")
        drawing = bool(np.isfinite(value))
    return "".join(words)
