"""Forecast skill of each series, from the output that is kept: `python -m docs.figures.skill`."""

import re
from collections.abc import Mapping
from pathlib import Path

from docs.figures.svg import RIGHT, WIDTH, document, save

KEPT = Path(__file__).parents[2] / "benchmarks" / "results" / "numerics" / "skill.txt"
LEFT, TOP, ROW = 220, 46, 20
LOW, HIGH = 0.25, 1.05
TUNING, HELD_OUT = "#e08a1e", "#1f5fa8"
_TITLE = re.compile(r"forecast skill, (.*?)(, seed \d+)?(:|  )")
_VALUE = re.compile(r"(\S[^:]*?) +<= [\d.]+ +([\d.]+) +(yes|no)")


def ratios(text: str) -> dict[str, dict[bool, float]]:
    """Series -> held out or not -> squared error over persistence's."""
    found: dict[str, dict[bool, float]] = {}
    held_out = False
    for line in text.splitlines():
        if line.startswith("=="):
            held_out = "held-out" in line
        elif title := _TITLE.match(line):
            held_out = "held out" in title[1] or (held_out and "tuning" not in title[1])
        elif value := _VALUE.fullmatch(line.rstrip()):
            found.setdefault(value[1], {})[held_out] = float(value[2])
    return found


def render(found: Mapping[str, Mapping[bool, float]]) -> str:
    """A row a series, the hardest last; the line is persistence."""
    names = sorted(found, key=lambda name: found[name][True])
    shown = {"geometric mean": "geometric mean of the made-up ones"}
    bottom = TOP + ROW * len(names)
    parts = [
        f'<text x="{LEFT}" y="18" font-weight="bold">one-step squared error over '
        f"persistence&#39;s: held-out (blue), tuning (orange); 1 is persistence</text>"
    ]
    for value in (0.4, 0.6, 0.8, 1.0):
        x = _x(value)
        colour = "#b33" if value == 1.0 else "#ddd"
        parts += [
            f'<line x1="{x:.1f}" y1="{TOP - 14}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>',
        ]
    for number, name in enumerate(names):
        y = TOP + ROW * number
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{shown.get(name, name)}</text>'
        )
        for held_out, colour, radius in ((False, TUNING, 6), (True, HELD_OUT, 4)):
            x = _x(found[name][held_out])
            parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" fill="{colour}"/>')
    return document(parts, bottom + 26)


def _x(value: float) -> float:
    return LEFT + (value - LOW) / (HIGH - LOW) * (WIDTH - RIGHT - LEFT)


def main() -> None:
    save(__file__, render(ratios(KEPT.read_text("utf-8"))))


if __name__ == "__main__":
    main()
