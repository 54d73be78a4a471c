"""`tickfleet local`: the stack of `ops.local.stack`."""

import json
from dataclasses import asdict

import click

from ops.local import stack
from ops.local.process import is_free

__all__ = ["command"]

_KAFKA_PORT = 9092
_json_option = click.option(
    "--json", "as_lines", is_flag=True, help="One JSON object a service, a line each."
)


@click.group("local")
def command() -> None:
    """A real Apache Kafka on this machine, and on request an S3 endpoint and a schema registry.

    No Docker, no system Java.
    """


@command.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="The broker's port; 9092 if free, 0 for any."
)
@click.option("--s3", is_flag=True, help="Also an S3 endpoint, with a bucket named tickfleet.")
@click.option("--registry", is_flag=True, help="Also a schema registry (158 MB once).")
@_json_option
def up(*, port: int | None, s3: bool, registry: bool, as_lines: bool) -> None:
    """Start what is not running; it goes on after this command.

    Records and registered schemas are kept over restarts, what is in S3 is not: a worker that
    misses its snapshots there computes its state anew from the retained ticks.
    """
    chosen = port if port is not None else (_KAFKA_PORT if is_free(_KAFKA_PORT) else 0)
    running = stack.up(port=chosen or None, s3=s3, registry=registry)
    services = {service.name: service for service in running}
    _show(running, as_lines=as_lines)
    if as_lines:
        return
    click.echo(f"\nexport TICKFLEET_BOOTSTRAP_SERVERS={services['kafka'].address}")
    if "registry" in services:
        click.echo(f"export TICKFLEET_SCHEMA_REGISTRY_URL={services['registry'].address}")
    if "s3" in services:
        click.echo(
            f"export TICKFLEET_SNAPSHOT_URL=s3://{stack.BUCKET}/snapshots"
            f" TICKFLEET_STORE_OPTIONS__ENDPOINT_URL={services['s3'].address}"
            " TICKFLEET_STORE_OPTIONS__ADDRESSING_STYLE=path"
            " AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1"
        )


@command.command()
@click.option("--purge", is_flag=True, help="Remove records and schemas too.")
def down(*, purge: bool) -> None:
    """Stop the stack."""
    stopped = stack.down(purge=purge)
    click.echo(
        f"stopped: {', '.join(service.name for service in stopped) or 'nothing was running'}"
    )


@command.command()
@_json_option
@click.pass_context
def status(ctx: click.Context, *, as_lines: bool) -> None:
    """Show what runs where; exit code 1 when the broker does not run."""
    services = stack.status()
    _show(services, as_lines=as_lines)
    if not any(service.name == "kafka" and service.running for service in services):
        click.echo("the broker is not running: start it with `tickfleet local up`", err=True)
        ctx.exit(1)


def _show(services: list[stack.Service], *, as_lines: bool) -> None:
    for service in services:
        if as_lines:
            click.echo(json.dumps({**asdict(service), "running": service.running}))
            continue
        state = "running" if service.running else "stopped"
        click.echo(
            f"{service.name:8} {state:8} {service.address:40} pid {service.pid:<8} ", nl=False
        )
        click.echo(f"log {service.log}")
