"""`tickfleet report`: the page, the text and the data of a finished backtest."""

from pathlib import Path

import click

from ops.replay import progress_bar
from ops.report import write_report
from ops.terminal import printable

__all__ = ["command"]


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
def command(run: Path) -> None:
    """Make the report of a finished backtest, as the backtest itself makes it at its end."""
    with progress_bar("report") as move:
        found = write_report(run, move)
    click.echo(f"{run / 'report.html'}")
    for warning in found.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
