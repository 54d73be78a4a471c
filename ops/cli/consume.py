"""`tickfleet consume`: the records of a topic on standard output."""

from contextlib import closing
from pathlib import Path

import click

from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.cli.show import show
from ops.records import RecordReader, StartAt, follow
from workers.brokers.client_config import base_settings
from workers.emission.framing import framing_by_topic

__all__ = ["command"]


@click.command("consume")
@config_option
@bootstrap_option
@click.option("--topic", help="Topic to read; by default the predictions topic of the settings.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line, all fields.")
@click.option(
    "--from",
    "start",
    type=click.Choice([str(one) for one in StartAt]),
    default=str(StartAt.BEGINNING),
    show_default=True,
    help="Where to begin: all that is retained, or only news.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--stop-at-end", is_flag=True, help="Stop at the end instead of waiting for more.")
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    topic: str | None,
    as_lines: bool,
    start: str,
    limit: int | None,
    stop_at_end: bool,
) -> None:
    """Print committed records, decoded by the schema that each of them names; Ctrl-C ends it."""
    worker = settings_of(config, bootstrap).worker
    source = topic or worker.topics.predictions
    reader = RecordReader(framing_by_topic(worker)(source))
    messages = follow(
        source, options=base_settings(worker), start=StartAt(start), stop_at_end=stop_at_end
    )
    with closing(messages):
        show(map(reader.read, messages), limit=limit, as_lines=as_lines)
