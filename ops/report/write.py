"""The report's three files, beside the run: a page, a text, data."""

import json
from pathlib import Path
from typing import Any

from ops.report.measure import Measured, measure
from ops.report.page import asset_table, render_page, summary_rows

__all__ = ["write_report"]


def write_report(run: Path) -> Measured:
    """Measure a finished run and write `report.html`, `report.md` and `report.json` into it.

    Raises:
        ReplayError: there is no finished run.
    """
    found = measure(run)
    for name, text in (
        ("report.html", render_page(found)),
        ("report.md", _markdown(found)),
        ("report.json", json.dumps(_data(found), indent=2)),
    ):
        aside = run / f"{name}.unfinished"
        aside.write_text(text, "utf-8")
        aside.replace(run / name)
    return found


def _markdown(found: Measured) -> str:
    head, rows = asset_table(found)
    lines = ["# Backtest", "", "| all assets | value |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in summary_rows(found)]
    lines += ["", "Assets, the worst first:", "", f"| {' | '.join(head)} |"]
    lines += ["|---|" + "---:|" * (len(head) - 1)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _data(found: Measured) -> dict[str, Any]:
    timeline = found.timeline
    return {
        "summary": found.summary,
        "assets": found.assets,
        "over_time": {
            "middle_ns": timeline.middle_ns.astype(int).tolist(),
            "ticks": timeline.ticks.tolist(),
            "loss_model": timeline.losses[0].tolist(),
            "loss_persistence": timeline.losses[1].tolist(),
            "alarms": timeline.alarms.tolist(),
            "flags": {kind: line.tolist() for kind, line in found.flags.items()},
        },
    }
