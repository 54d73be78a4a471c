"""`tickfleet topics`: `ops.topics` for people."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.topics import DEFAULT_PARTITIONS, TopicInfo, create_topics, describe_topics

__all__ = ["command"]


@click.group("topics")
def command() -> None:
    """The five topics of a fleet: ticks, predictions, flags, dead letters, journal."""


@command.command()
@config_option
@bootstrap_option
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help=f"Partitions of new topics; {DEFAULT_PARTITIONS} where no ticks topic gives the number.",
)
@click.option(
    "--replicas",
    type=click.IntRange(min=1),
    help="Replicas of new topics; by default what the broker has set.",
)
def create(
    config: Path | None, bootstrap: str | None, partitions: int | None, replicas: int | None
) -> None:
    """Create the topics that are missing; those that exist stay as they are."""
    worker = settings_of(config, bootstrap).worker
    created = create_topics(worker, partitions=partitions, replicas=replicas)
    infos = describe_topics(worker)
    _show(infos, created)
    others = [one.name for one in infos.values() if replicas not in (None, one.replicas)]
    if others:
        click.echo(
            f"note: no topic that exists is given {replicas} replicas: {', '.join(others)}; "
            "kafka-reassign-partitions.sh does that",
            err=True,
        )


@command.command()
@config_option
@bootstrap_option
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a topic, a line each.")
def ls(config: Path | None, bootstrap: str | None, *, as_lines: bool) -> None:
    """List the topics with the settings that matter."""
    worker = settings_of(config, bootstrap).worker
    infos = describe_topics(worker)
    missing = [name for name in worker.topics.all() if name not in infos]
    if as_lines:
        for info in infos.values():
            click.echo(json.dumps(asdict(info)))
        for name in missing:
            click.echo(json.dumps({"name": name, "partitions": 0}))
        return
    _show(infos, [])
    if missing:
        click.echo(
            f"missing: {', '.join(missing)}; create them with `tickfleet topics create`, or have "
            "DESCRIBE on them granted to this user"
        )


def _show(infos: dict[str, TopicInfo], created: list[str]) -> None:
    table = Table("topic", "partitions", "replicas", "max bytes", "retention", "", box=None)
    for info in infos.values():
        table.add_row(
            info.name,
            str(info.partitions),
            str(info.replicas),
            info.config.get("max.message.bytes", ""),
            _duration(info.config.get("retention.ms", "")),
            "created" if info.name in created else "",
        )
    Console().print(table)
    if not all(info.config for info in infos.values()):
        click.echo("note: settings are shown to who has DESCRIBE_CONFIGS on the topics", err=True)


def _duration(milliseconds: str) -> str:
    if not milliseconds or milliseconds == "-1":
        return "forever" if milliseconds else ""
    return f"{int(milliseconds) / 3_600_000:g} h"
