"""`tickfleet compare`: two backtests over the same ticks."""

import json
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from ops.report import compare_runs

__all__ = ["command"]

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_SIGNIFICANT = 1.96


@click.command("compare")
@click.argument("first", type=_FOLDER)
@click.argument("second", type=_FOLDER)
@click.option("--json", "as_lines", is_flag=True, help="One JSON object.")
def command(first: Path, second: Path, *, as_lines: bool) -> None:
    """Say which of two runs forecasts better, and whether the difference is significant."""
    found = compare_runs(first, second)
    if as_lines:
        # JSON has no NaN: where nothing differs there is no statistic.
        statistic = found.statistic if np.isfinite(found.statistic) else None
        click.echo(json.dumps({**asdict(found), "statistic": statistic}))
        return
    for name, (ours, theirs) in found.settings.items():
        click.echo(f"{name}: {ours} against {theirs}")
    a, b = found.mean_loss
    click.echo(f"{found.judged:,} forecasts; mean squared error {a:.6g} against {b:.6g}")
    click.echo(f"{first} is better on {found.better_assets:,} of {found.assets:,} assets")
    if not np.isfinite(found.statistic):
        click.echo("no difference")
        return
    better = first if found.statistic < 0 else second
    certain = "significant" if abs(found.statistic) > _SIGNIFICANT else "not significant"
    click.echo(
        f"{better} is better; Diebold-Mariano {found.statistic:+.2f}, {certain} at 5%, two-sided"
    )
