"""`tickfleet top`: `ops.top` until Ctrl-C."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from ops.cli.options import bootstrap_option, config_option
from ops.settings import load_settings
from ops.top import FleetObserver, FleetPicture, render

__all__ = ["command"]


@click.command("top")
@config_option
@bootstrap_option
@click.option(
    "--interval",
    type=click.FloatRange(min=0.2),
    default=2.0,
    show_default=True,
    help="Seconds from one look to the next.",
)
@click.option("--once", is_flag=True, help="One picture, after two intervals, and exit.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a picture, a line each.")
def command(
    config: Path | None, bootstrap: str | None, *, interval: float, once: bool, as_lines: bool
) -> None:
    """Show workers, partitions, lag, rates, snapshot ages and flags, live.

    Asks Kafka and the store, not the workers: it works from anywhere and disturbs nobody.
    """
    overrides = {"bootstrap_servers": bootstrap} if bootstrap else {}
    settings = load_settings(config, defaults={"kafka": {"log_level": "2"}}, overrides=overrides)
    console = Console()
    with FleetObserver(settings.worker) as observer:
        picture = observer.picture(interval)
        if once:
            # Rates are between two pictures.
            _print(console, observer.picture(interval), as_lines=as_lines)
            return
        try:
            _go_on(console, observer, picture, interval, as_lines=as_lines)
        except KeyboardInterrupt:
            return


def _go_on(
    console: Console,
    observer: FleetObserver,
    picture: FleetPicture,
    interval: float,
    *,
    as_lines: bool,
) -> None:
    if as_lines:
        while True:
            picture = observer.picture(interval)
            _print(console, picture, as_lines=True)
    with Live(render(picture), console=console, screen=console.is_terminal) as live:
        while True:
            live.update(render(observer.picture(interval)), refresh=True)


def _print(console: Console, picture: FleetPicture, *, as_lines: bool) -> None:
    if as_lines:
        click.echo(json.dumps(asdict(picture)))
    else:
        console.print(render(picture))
