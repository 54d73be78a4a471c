"""`tickfleet tail`: what a fleet publishes now, decoded and filtered."""

from contextlib import closing
from pathlib import Path

import click

from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.cli.show import show
from ops.records import RecordReader, Selection, StartAt, follow
from schemas import FlagState, FlagType, Severity
from workers.client_config import base_settings
from workers.framing import framing_by_topic

__all__ = ["command"]

_KINDS = ("predictions", "flags", "dead_letters", "journal", "ticks")


@click.command("tail")
@click.argument("kind", type=click.Choice(_KINDS), default="predictions")
@config_option
@bootstrap_option
@click.option("--asset", "assets", multiple=True, help="Only this asset. Repeat for more.")
@click.option(
    "--partition",
    "-p",
    "partitions",
    multiple=True,
    type=int,
    help="Only this partition. Repeat for more.",
)
@click.option("--flag", "flags", multiple=True, help="Results with this flag, as emergency_mode.")
@click.option("--mode", "modes", multiple=True, help="Results of this mode: Robust, Emergency, …")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([str(one) for one in FlagType]),
    help="Flag events of this type. Repeat for more.",
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(s) for s in FlagState]),
    help="Flag events of this state. Repeat for more.",
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice([str(one) for one in Severity]),
    help="Flag events of this severity. Repeat for more.",
)
@click.option("--error-class", "errors", multiple=True, help="Dead letters of this class.")
@click.option("--from-beginning", is_flag=True, help="Everything that is retained, not only news.")
@click.option("--stop-at-end", is_flag=True, help="Stop at the end instead of waiting for more.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line, all fields.")
def command(
    kind: str,
    config: Path | None,
    bootstrap: str | None,
    *,
    assets: tuple[str, ...],
    partitions: tuple[int, ...],
    flags: tuple[str, ...],
    modes: tuple[str, ...],
    types: tuple[str, ...],
    states: tuple[str, ...],
    severities: tuple[str, ...],
    errors: tuple[str, ...],
    from_beginning: bool,
    stop_at_end: bool,
    limit: int | None,
    as_lines: bool,
) -> None:
    """Print committed records of KIND as they come; Ctrl-C ends it."""
    worker = settings_of(config, bootstrap).worker
    topic = str(getattr(worker.topics, kind))
    equal = {
        "mode": modes,
        "type": types,
        "state": states,
        "severity": severities,
        "error_class": errors,
    }
    wanted = Selection(assets, partitions, flags, equal)
    reader = RecordReader(framing_by_topic(worker)(topic))
    messages = follow(
        topic,
        options=base_settings(worker),
        start=StartAt.BEGINNING if from_beginning else StartAt.END,
        stop_at_end=stop_at_end,
    )
    with closing(messages):
        records = filter(wanted.admits, map(reader.read, messages))
        show(records, limit=limit, as_lines=as_lines)
