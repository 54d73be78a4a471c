"""`tickfleet doctor`: `ops.doctor` for people and scripts."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from ops.cli.options import bootstrap_option, config_option
from ops.doctor import Finding, Status, examine
from ops.settings import load_settings
from ops.terminal import printable
from workers.brokers.client_trial import check_kafka_options

__all__ = ["command"]

_STYLES: Final = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: "bold red",
    Status.SKIPPED: "dim",
}


@click.command("doctor")
@config_option
@bootstrap_option
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a finding, a line each.")
@click.pass_context
def command(
    context: click.Context, config: Path | None, bootstrap: str | None, *, as_lines: bool
) -> None:
    """Check brokers, topics, permissions, store, registry, clocks, group, snapshots, settings.

    Exit code 0 when nothing failed (warnings are allowed), 1 when a check failed, 2 when the
    settings themselves are wrong.
    """
    overrides = {"bootstrap_servers": bootstrap} if bootstrap else {}
    settings = load_settings(
        config,
        defaults={"kafka": {"log_level": "2"}},
        overrides=overrides,
        check=check_kafka_options,
    )
    console = Console(soft_wrap=True, highlight=False)
    failed = False
    for finding in examine(settings.worker):
        failed |= finding.status is Status.FAILED
        if as_lines:
            click.echo(json.dumps(asdict(finding)))
        else:
            console.print(_line(finding))
    context.exit(1 if failed else 0)


def _line(finding: Finding) -> str:
    style = _STYLES[finding.status]
    line = f"[{style}]{finding.status:8}[/] {finding.check:13} {escape(printable(finding.message))}"
    return f"{line}\n{'':22} → {escape(printable(finding.remedy))}" if finding.remedy else line
