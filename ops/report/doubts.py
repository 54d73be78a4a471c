"""What the numbers of a report themselves give cause to doubt."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ops.report.timeline import Timeline
from workers.scoring import ENOUGH

__all__ = ["doubts"]

_CROWDED: Final = 0.9


def doubts(run: Mapping[str, Any], summary: Mapping[str, Any], timeline: Timeline) -> list[str]:
    """A sentence each; none as a rule.

    Args:
        run: `run.json`.
        summary: of `Measured`.
        timeline: of all of the run.
    """
    return [*_no_numbers(run, summary), *_crowded(timeline)]


def _no_numbers(run: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    if not summary["left_out"]:
        return []
    hint = "" if run["dtype"] == "float64" else ": forecast such prices in float64"
    return [f"{summary['left_out']:,} forecasts were no numbers, left out{hint}"]


def _crowded(timeline: Timeline) -> list[str]:
    """One tick in another year leaves next to nothing of every axis of time."""
    fullest, ticks = timeline.ticks.max(), timeline.ticks.sum()
    if ticks < ENOUGH or fullest <= _CROWDED * ticks or timeline.first_ns == timeline.last_ns:
        return []
    return [
        f"{fullest / ticks:.2%} of the ticks lie in 1 of the {timeline.ticks.size} stretches of "
        f"time between the first ({_moment(timeline.first_ns)}) and the last "
        f"({_moment(timeline.last_ns)}), so little is seen over time: is one of these wrong?"
    ]


def _moment(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
