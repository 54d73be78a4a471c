"""`tickfleet replay-dead-letters`: `ops.dead_letters` for people."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.dead_letters import HOPELESS, ReplayReport, replay_dead_letters
from schemas import ErrorClass

__all__ = ["command"]


@click.command("replay-dead-letters")
@config_option
@bootstrap_option
@click.option(
    "--error-class",
    "classes",
    multiple=True,
    type=click.Choice([str(one) for one in ErrorClass]),
    help="Dead letters of this class. Repeat for more. Required unless --dry-run.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many of each class.")
@click.option("--dry-run", is_flag=True, help="Only count what has not been sent yet.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a class, a line each.")
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    classes: tuple[str, ...],
    limit: int | None,
    dry_run: bool,
    as_lines: bool,
) -> None:
    """Send dead letters to the ticks topic again, after what refused them has been mended.

    For UnknownSchema, half a minute after the registry knows the schema: so long a worker does not
    ask again. For InvalidPrice, once allow_nonpositive_prices is set. Each is sent once, however
    often this runs; one that is refused while this runs is for another run. The copies come after
    the ticks that are there by then, so an asset may see an old timestamp again. A letter that
    was cut to fit its topic is not sent: it is counted, and its record is named; so is one of
    a record that the ticks topic no longer takes.
    """
    if not classes and not dry_run:
        raise click.UsageError("give --error-class, or --dry-run to see which there are")
    worker = settings_of(config, bootstrap).worker
    if dry_run and not classes:
        classes = tuple(one for one in ErrorClass if one not in HOPELESS)
    for name in classes:
        report = replay_dead_letters(worker, name, dry_run=dry_run, limit=limit)
        _show(name, report, as_lines=as_lines, dry_run=dry_run)


def _show(name: str, report: ReplayReport, *, as_lines: bool, dry_run: bool) -> None:
    if as_lines:
        click.echo(json.dumps({"error_class": name, **asdict(report)}))
        return
    never = f", {len(report.cut)} cut" if report.cut else ""
    never += f", {len(report.too_large)} too large" if report.too_large else ""
    if dry_run:
        click.echo(f"{name}: {report.unsent} not sent yet{never}")
    else:
        click.echo(f"{name}: {report.sent} sent, {report.unsent} left{never}")
    for origin in report.cut:
        click.echo(
            f"{origin} is not sent: its dead letter holds only a part of it; have its producer "
            "send it anew",
            err=True,
        )
    for origin in report.too_large:
        click.echo(
            f"{origin} is not sent: it is more than the ticks topic's max.message.bytes; raise "
            "that and have its producer send it anew",
            err=True,
        )
