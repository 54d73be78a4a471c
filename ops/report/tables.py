"""The report's tables, as text; page and Markdown show the same."""

import math
from typing import Any, Final

from ops.report.calibration import LEVELS, SCALES
from ops.report.measure import Measured

__all__ = [
    "SHOWN_ASSETS",
    "asset_table",
    "coverage_table",
    "number",
    "peer_table",
    "summary_rows",
]

SHOWN_ASSETS: Final = 15

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def summary_rows(found: Measured) -> list[tuple[str, str]]:
    """What is said of all assets together."""
    summary, counts = found.summary, found.run["counts"]
    return [
        ("skill against persistence", number(summary["skill"], 5)),
        ("95% interval", _interval(summary, 5)),
        (f"Diebold-Mariano{_bound(summary)}", number(summary["diebold_mariano"], 2)),
        *_balance(summary, counts["assets"]),
        (
            "assets better than persistence",
            f"{summary['assets_better_than_persistence']:,} of {summary['assets_judged']:,}",
        ),
        ("forecasts judged", f"{summary['judged']:,} of {counts['results']:,}"),
        *_left_out(summary),
        ("refused records", f"{counts['refused']:,}"),
        ("rejected as outliers", f"{summary['rejected']:,}"),
        ("regime changes", f"{summary['alarms']:,}"),
        *((f"flag {kind}", f"{int(line.sum()):,}") for kind, line in found.flags.items()),
    ]


def _left_out(summary: dict[str, Any]) -> list[tuple[str, str]]:
    count = summary["left_out"]
    return [("forecasts left out, no numbers", f"{count:,}")] if count else []


def _balance(summary: dict[str, Any], assets: int) -> list[tuple[str, str]]:
    if assets < 2 or summary["largest_asset"] is None:
        return []
    return [
        ("skill, each asset in units of its own moves", number(summary["skill_of_assets"], 5)),
        (
            "largest part of persistence's squared error",
            f"{summary['largest_share']:.0%}, {summary['largest_asset']}",
        ),
    ]


def asset_table(found: Measured) -> Table:
    """Head and rows of the worst assets."""
    head = ("asset", "judged", "skill", "95% interval", "Diebold-Mariano")
    return head, [
        (one["asset_id"], f"{one['judged']:,}", *_skill(one, 4))
        for one in found.assets[:SHOWN_ASSETS]
    ]


def peer_table(found: Measured) -> Table:
    """Head and rows of the simple forecasts."""
    head = ("against", "squared errors over its", "skill", "95% interval", "Diebold-Mariano")
    summary = found.summary
    return head, [
        (peer, number(summary["loss_ratio"][peer], 4), *_skill(one, 4))
        for peer, one in summary["against"].items()
    ]


def coverage_table(found: Measured) -> Table:
    """How many prices fell inside the central intervals, by scale."""
    head = ("scale", *(f"{level:.0%}" for level in LEVELS))
    covered = found.calibration.coverage()
    return head, [
        (scale, *(f"{share:.1%}" if math.isfinite(share) else "–" for share in shares))
        for scale, shares in zip(SCALES, covered.tolist(), strict=True)
    ]


def _skill(one: dict[str, Any], digits: int) -> tuple[str, ...]:
    skill, statistic = number(one["skill"], digits), number(one["diebold_mariano"], 2)
    return skill, _interval(one, digits), statistic


def _bound(summary: dict[str, Any]) -> str:
    below = summary["better_below"]
    return "" if below is None else f" (below {below:.2f}: better at 5%)"


def _interval(one: dict[str, Any], digits: int) -> str:
    low, high = one["skill_low"], one["skill_high"]
    return number(None, 0) if low is None else f"{low:.{digits}f} to {high:.{digits}f}"


def number(value: float | None, digits: int) -> str:
    """A dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
