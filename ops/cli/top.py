"""`tickfleet top`: `ops.top` until Ctrl-C."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.live import Live

from core.errors import RetryableError
from ops.cli.options import bootstrap_option, config_option
from ops.settings import load_settings
from ops.top import FleetObserver, FleetPicture, render
from workers.brokers.client_trial import check_kafka_options
from workers.config import WorkerConfig

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

    Asks Kafka and the store, not the workers: it works from anywhere and disturbs nobody. While
    the brokers do not answer it says so, shows what was, and goes on asking.
    """
    overrides = {"bootstrap_servers": bootstrap} if bootstrap else {}
    settings = load_settings(
        config,
        defaults={"kafka": {"log_level": "2"}},
        overrides=overrides,
        check=check_kafka_options,
    )
    try:
        _look(settings.worker, interval, once=once, as_lines=as_lines)
    except KeyboardInterrupt:
        return


def _look(worker: WorkerConfig, interval: float, *, once: bool, as_lines: bool) -> None:
    console = Console()
    with FleetObserver(worker) as observer:
        first = observer.picture(interval)  # rates are between two pictures
        if once and not as_lines:
            console.print(render(observer.picture(interval)))
        elif once:
            click.echo(_line(observer.picture(interval)))
        elif as_lines:
            _print_lines(observer, interval)
        else:
            _show(console, observer, first, interval)


def _print_lines(observer: FleetObserver, interval: float) -> NoReturn:
    while True:
        try:
            click.echo(_line(observer.picture(interval)))
        except RetryableError as error:
            click.echo(str(error), err=True)


def _show(
    console: Console, observer: FleetObserver, picture: FleetPicture, interval: float
) -> NoReturn:
    with Live(render(picture), console=console, screen=console.is_terminal) as live:
        while True:
            try:
                picture, trouble = observer.picture(interval), ""
            except RetryableError as error:
                trouble = str(error)
            live.update(render(picture, trouble), refresh=True)


def _line(picture: FleetPicture) -> str:
    return json.dumps(asdict(picture))
