"""`tickfleet compare`: two backtests over the same ticks."""

from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from ops.report import compare_runs
from ops.strict_json import strict_json
from workers.scoring import ENOUGH

__all__ = ["command"]

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_LEVEL = 0.05


@click.command("compare")
@click.argument("first", type=_FOLDER)
@click.argument("second", type=_FOLDER)
@click.option("--json", "as_lines", is_flag=True, help="One JSON object.")
def command(first: Path, second: Path, *, as_lines: bool) -> None:
    """Say which of two runs forecasts better, and whether the difference is significant."""
    found = compare_runs(first, second)
    if as_lines:
        click.echo(strict_json(asdict(found)))
        return
    for name, (ours, theirs) in found.settings.items():
        click.echo(f"{name}: {ours} against {theirs}")
    if found.left_out:
        click.echo(f"{found.left_out:,} forecasts left out: in one run or both they are no numbers")
    if not found.judged:
        click.echo("no forecast of both was judged by a price: nothing to compare")
        return
    a, b = found.mean_loss
    click.echo(f"{found.judged:,} forecasts; mean squared error {a:.6g} against {b:.6g}")
    a, b = found.skill
    click.echo(f"skill, each asset in units of its own moves: {a:.5f} against {b:.5f}")
    click.echo(
        f"{first} is better on {found.better_assets:,} assets and worse on "
        f"{found.worse_assets:,}, of {found.judged_assets:,} with a judged forecast"
    )
    if found.judged < ENOUGH:
        click.echo(f"fewer than {ENOUGH} forecasts: too few to tell that from chance")
        return
    if not np.isfinite(found.statistic):
        click.echo("no difference")
        return
    better = first if found.statistic < 0 else second
    certain = "significant" if found.chance < _LEVEL else "not significant"
    click.echo(
        f"{better} is better; Diebold-Mariano {found.statistic:+.2f}, {certain} at 5%, two-sided"
    )
