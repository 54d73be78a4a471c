"""`tickfleet web`: the live page of `ops.web`, until Ctrl-C."""

import time
from pathlib import Path
from typing import Final

import click

from ops.cli.options import bootstrap_option, config_option
from ops.settings import load_settings
from workers import StopSignal
from workers.brokers.client_trial import check_kafka_options
from workers.errors import ConfigurationError

__all__ = ["command"]

_LOOK_S: Final = 0.2


@click.command("web")
@config_option
@bootstrap_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8642, show_default=True, help="0 takes any."
)
@click.option(
    "--allow-remote", is_flag=True, help="Listen beyond this machine. Nobody is asked who they are."
)
@click.option(
    "--name", "names", multiple=True, help="Host name that browsers use for it. Repeat for more."
)
@click.option(
    "--assets",
    type=click.IntRange(min=1),
    default=2_000,
    show_default=True,
    help="Most assets to follow; each takes 35 KB.",
)
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    host: str,
    port: int,
    allow_remote: bool,
    names: tuple[str, ...],
    assets: int,
) -> None:
    """Serve a live page: the fleet, forecasts of each asset, flags as they come. It only reads."""
    try:
        from ops.web import is_loopback, serving  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{error.name} is not installed: pip install 'tickfleet[web]'"
        ) from error
    if not is_loopback(host):
        if not allow_remote:
            raise ConfigurationError(
                f"--host {host} can be reached from other machines, and the page asks nobody who "
                "they are: add --allow-remote if that is meant"
            )
        click.echo(
            f"warning: everybody who reaches {host}:{port} sees prices and forecasts; put a proxy "
            "that authenticates before it",
            err=True,
        )
    overrides = {"bootstrap_servers": bootstrap} if bootstrap else {}
    settings = load_settings(
        config,
        defaults={"kafka": {"log_level": "2"}},
        overrides=overrides,
        check=check_kafka_options,
    )
    stop = StopSignal()
    stop.install()
    with serving(settings.worker, host=host, port=port, names=names, most_assets=assets) as address:
        click.echo(f"{address} (Ctrl-C ends it)")
        while not stop():
            time.sleep(_LOOK_S)
