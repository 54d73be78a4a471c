"""The report's three files, beside the run: a page, a text, data."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any

from core.errors import RetryableError
from ops.report.calibration import LEVELS, SCALES
from ops.report.measure import Measured, measure
from ops.report.page import render_page
from ops.report.tables import asset_table, coverage_table, peer_table, summary_rows
from ops.strict_json import strict_json
from ops.terminal import printable

__all__ = ["NoReportError", "write_report"]


class NoReportError(RetryableError):
    """A report cannot be written; the run it is of is whole."""


def write_report(
    run: Path, progress: Callable[[int, float], None] = lambda _results, _share: None
) -> Measured:
    """Measure a finished run and write `report.html`, `report.md` and `report.json` into it.

    Args:
        run: its folder.
        progress: told the results so far and the share that has been judged.

    Raises:
        ReplayError: there is no finished run.
        NoReportError: it cannot be written: the disk is full, or the folder may not be changed.
    """
    found = measure(run, progress)
    for name, text in (
        ("report.html", render_page(found)),
        ("report.md", _markdown(found)),
        ("report.json", strict_json(_data(found), indent=2)),
    ):
        aside = run / f"{name}.unfinished"
        try:
            aside.write_text(text, "utf-8")
            aside.replace(run / name)
        except OSError as error:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise NoReportError(
                f"{run / name} cannot be written ({error.strerror}); the run itself is whole. "
                f"When that is mended, make its report: tickfleet report {quote(str(run))}"
            ) from error
    return found


def _markdown(found: Measured) -> str:
    head, rows = asset_table(found)
    lines = ["# Backtest", "", "| all assets | value |", "|---|---:|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in summary_rows(found)]
    lines += ["", "Against simple peers:", "", *_rows(*peer_table(found))]
    lines += ["", "Prices inside the central intervals:", "", *_rows(*coverage_table(found))]
    lines += ["", "Assets, the worst first:", "", *_rows(head, rows)]
    return "\n".join(lines) + "\n"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|---|" + "---:|" * (len(head) - 1),
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(text: str) -> str:
    """An asset's name may hold what ends a cell or a row."""
    return printable(" ".join(text.replace("|", "\\|").splitlines()))


def _data(found: Measured) -> dict[str, Any]:
    timeline, calibration = found.timeline, found.calibration
    return {
        "summary": found.summary,
        "warnings": found.warnings,
        "calibration": {
            scale: {
                "judged": int(calibration.judged[number]),
                "pit_density": calibration.density()[number].tolist(),
                "coverage": dict(
                    zip(map(str, LEVELS), calibration.coverage()[number].tolist(), strict=True)
                ),
            }
            for number, scale in enumerate(SCALES)
        },
        "assets": found.assets,
        "over_time": {
            "middle_ns": timeline.middle_ns.astype(int).tolist(),
            "ticks": timeline.ticks.tolist(),
            "loss_model": timeline.losses[0].tolist(),
            "loss_persistence": timeline.losses[1].tolist(),
            "alarms": timeline.alarms.tolist(),
            "skill_band": [edge.tolist() for edge in timeline.skill_band()],
            "flags": {kind: line.tolist() for kind, line in found.flags.items()},
        },
    }
