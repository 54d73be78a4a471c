"""What a long run leaves to read: a table and, per scenario, a picture of the lag. Pure."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tests.chaos.runner import Outcome

__all__ = ["html", "markdown"]

_COLUMNS: Final = (
    "scenario",
    "ticks",
    "missing",
    "repeated",
    "wrong",
    "reordered",
    "torn",
    "events",
    "kills",
    "longest silence s",
    "holds",
)
_WIDTH: Final = 900
_HEIGHT: Final = 160


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The table, and a line with the sums."""
    rows = [_row(outcome) for outcome in outcomes]
    lines = [" | ".join(_COLUMNS), " | ".join("---" for _ in _COLUMNS)]
    lines += [" | ".join(row) for row in rows]
    held = sum(outcome.verdict.holds for outcome in outcomes)
    ticks = sum(outcome.verdict.ticks for outcome in outcomes)
    kills = sum(_kills(outcome) for outcome in outcomes)
    total = f"{held} of {len(outcomes)} scenarios hold: {ticks:,} ticks, {kills} kill -9."
    return "\n".join(f"| {line} |" for line in lines) + f"\n\n{total}\n"


def html(outcomes: Sequence[Outcome]) -> str:
    """One self-contained page."""
    sections = "".join(
        f"<h2>{escape(o.scenario.name)}: {'holds' if o.verdict.holds else 'BROKEN'}</h2>"
        f"<p>{escape(', '.join(o.verdict.examples) or 'nothing to report')}</p>{_picture(o)}"
        for o in outcomes
    )
    table = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _row(o)) + "</tr>" for o in outcomes
    )
    heads = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    return (
        "<!doctype html><meta charset='utf-8'><title>Faults</title><style>"
        ":root{color-scheme:light dark}body{font:15px system-ui;margin:2rem auto;max-width:70rem}"
        "td,th{padding:.2rem .6rem;text-align:right}td:first-child,th:first-child{text-align:left}"
        "svg{width:100%}polyline{fill:none;stroke:currentColor}line{stroke:#d33}"
        "text{fill:currentColor;font-size:10px}</style><h1>Faults</h1>"
        f"<table><tr>{heads}</tr>{table}</table>{sections}"
    )


def _row(outcome: Outcome) -> list[str]:
    verdict = outcome.verdict
    counts = (verdict.missing, verdict.repeated, verdict.wrong, verdict.reordered)
    return [
        outcome.scenario.name,
        f"{verdict.ticks:,}",
        *(str(count) for count in (*counts, verdict.torn, verdict.events)),
        str(_kills(outcome)),
        f"{outcome.silence_s:.1f}",
        "yes" if verdict.holds else "NO",
    ]


def _kills(outcome: Outcome) -> int:
    return sum(what.startswith("kill -9") for _, what in outcome.log)


def _picture(outcome: Outcome) -> str:
    """Inputs without a visible answer over time, faults as vertical lines."""
    end_s = max((at_s for at_s, _ in outcome.lag), default=1.0)
    most = max((count for _, count in outcome.lag), default=0) or 1

    def x(at_s: float) -> str:
        return f"{_WIDTH * at_s / end_s:.1f}"

    points = " ".join(
        f"{x(at_s)},{_HEIGHT - (_HEIGHT - 20) * count / most:.1f}" for at_s, count in outcome.lag
    )
    marks = "".join(
        f"<line x1='{x(at_s)}' x2='{x(at_s)}' y1='12' y2='{_HEIGHT}'>"
        f"<title>{escape(what)} at {at_s:.1f} s</title></line>"
        f"<text x='{x(at_s)}' y='10'>{escape(what)}</text>"
        for at_s, what in outcome.log
        if at_s <= end_s
    )
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT + 14}' role='img' aria-label='lag over time'>"
        f"{marks}<polyline points='{points}'/>"
        f"<text x='0' y='{_HEIGHT + 12}'>0 s</text><text x='{_WIDTH - 90}' y='{_HEIGHT + 12}'>"
        f"{end_s:.0f} s, at most {most}</text></svg>"
    )
