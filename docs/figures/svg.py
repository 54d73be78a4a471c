"""Just enough of a plot: panels of curves, bands and shaded stretches over one axis of ticks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["RIGHT", "WIDTH", "Panel", "document", "figure", "save"]

WIDTH, LEFT, RIGHT, GAP = 860, 56, 12, 26
_DARK = (
    "<style>@media (prefers-color-scheme: dark) "
    "{ svg { filter: invert(0.9) hue-rotate(180deg) } }</style>"
)
POINTS = 1200
"""Of a curve: more than pixels can show only makes the file large."""


@dataclass
class Panel:
    """One coordinate system; `low` to `high` on its vertical axis, `height` in pixels."""

    title: str
    low: float
    high: float
    height: int
    ticks: Sequence[float] = ()
    marks: list[str] = field(default_factory=list)

    def curve(self, values: ArrayLike, colour: str, *, width: float = 1.0) -> None:
        """A line through one value per tick."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in self._points(values))
        self.marks.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )

    def band(self, low: ArrayLike, high: ArrayLike, colour: str) -> None:
        """The area between two curves."""
        outline = [*self._points(low), *self._points(high)[::-1]]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        self.marks.append(f'<polygon points="{points}" fill="{colour}" stroke="none"/>')

    def shade(self, holds: ArrayLike, colour: str) -> None:
        """Full-height strips where `holds`, at least a pixel wide."""
        flags = np.asarray(holds, bool)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
        scale = (WIDTH - LEFT - RIGHT) / (len(flags) - 1)
        for start, stop in edges.reshape(-1, 2):
            x, wide = LEFT + start * scale, max((stop - start) * scale, 1.0)
            self.marks.append(
                f'<rect x="{x:.1f}" y="0" width="{wide:.1f}" height="{self.height}" '
                f'fill="{colour}"/>'
            )

    def _points(self, values: ArrayLike) -> list[tuple[float, float]]:
        y = np.clip(np.asarray(values, float), self.low, self.high)
        x = np.linspace(LEFT, WIDTH - RIGHT, len(y))
        every = -(-len(y) // POINTS)
        x, y = x[::every], y[::every]
        down = (self.high - y) / (self.high - self.low) * self.height
        return list(zip(x.tolist(), down.tolist(), strict=True))

    def render(self, top: int) -> str:
        """The panel as a group whose upper edge lies at `top`."""
        inner = WIDTH - LEFT - RIGHT
        lines = [
            f'<g transform="translate(0,{top})">',
            f'<text x="{LEFT}" y="-7" font-weight="bold">{self.title}</text>',
            *self.marks,
            f'<rect x="{LEFT}" y="0" width="{inner}" height="{self.height}" fill="none" '
            'stroke="#888"/>',
        ]
        for value in self.ticks:
            y = (self.high - value) / (self.high - self.low) * self.height
            lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        return "\n".join([*lines, "</g>"])


def figure(panels: Sequence[Panel], *, axis: Sequence[int], length: int, label: str) -> str:
    """An SVG document of panels above one another, with an axis of ticks below them."""
    parts, top = [], GAP
    for panel in panels:
        parts.append(panel.render(top))
        top += panel.height + GAP
    for tick in axis:
        x = LEFT + tick / (length - 1) * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text x="{x:.1f}" y="{top - 10}" text-anchor="middle">{tick}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{top + 6}" text-anchor="middle">{label}</text>'
    )
    return document(parts, top + 14)


def document(parts: Sequence[str], height: int) -> str:
    """An SVG document of what is drawn. Where pages are dark the colours' lightness is turned."""
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    style = 'font-family="sans-serif" font-size="12"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{_DARK}\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def save(script: str, text: str) -> None:
    """Write a picture beside the script that draws it."""
    target = Path(script).with_suffix(".svg")
    target.write_text(text, encoding="utf-8")
    print(f"{target}: {target.stat().st_size // 1024} KiB")  # noqa: T201
