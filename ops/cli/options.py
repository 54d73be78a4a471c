"""Options that several commands share, and the settings they lead to."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ops.settings import UNUSED_STORE, Settings, load_settings
from workers.brokers.client_trial import check_kafka_options

__all__ = ["bootstrap_option", "config_option", "offline_settings", "range_options", "settings_of"]

_F = TypeVar("_F", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "-c",
    "config",
    envvar="TICKFLEET_CONFIG",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (TOML). TICKFLEET_* variables override it, and suffice without it.",
)
bootstrap_option = click.option(
    "--bootstrap", help="Brokers as host:port,…; overrides bootstrap_servers."
)


def range_options(command: _F) -> _F:
    """`--topic`, `--from` and `--to`, of a command that reads a file or a range of a topic."""
    for option in (
        click.option(
            "--to", "end", help="Topic: offset or record time to stop before; else where it ends."
        ),
        click.option(
            "--from", "begin", help="Topic: first offset, or a record time such as 2013-09-01."
        ),
        click.option("--topic", help="Instead of a file: ticks of a topic."),
    ):
        command = option(command)
    return command


# Commands that keep no state need no snapshot store, and report errors themselves.
_STATELESS: Final[dict[str, Any]] = {
    "snapshot_url": UNUSED_STORE,
    "kafka": {"log_level": "2"},
}


def settings_of(
    config: Path | None, bootstrap: str | None, *, predictor: Mapping[str, str] | None = None
) -> Settings:
    """Settings for a command that talks to Kafka but keeps no state.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    overrides: dict[str, Any] = {"bootstrap_servers": bootstrap} if bootstrap else {}
    if predictor:
        overrides["predictor"] = dict(predictor)
    return load_settings(
        config, defaults=_STATELESS, overrides=overrides, check=check_kafka_options
    )


def offline_settings(config: Path | None, *, predictor: Mapping[str, str]) -> Settings:
    """Settings for a command that needs no Kafka, with some hyperparameters given on the way.

    Raises:
        ConfigurationError: a setting is unknown or wrong.
    """
    defaults = {**_STATELESS, "bootstrap_servers": "unused"}
    return load_settings(config, defaults=defaults, overrides={"predictor": dict(predictor)})
