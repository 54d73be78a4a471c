"""`tickfleet export`: ticks of a topic as a file."""

from pathlib import Path

import click

from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.replay import open_topic, progress_bar
from workers.replay import export_ticks

__all__ = ["command"]


@click.command("export")
@config_option
@bootstrap_option
@click.option("--topic", help="Topic to read; by default the ticks topic of the settings.")
@click.option("--from", "begin", help="First offset, or a record time such as 2013-09-01T00:00Z.")
@click.option(
    "--to", "end", help="Offset or record time to stop before; by default where it ends now."
)
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    help="File to make: .parquet or .avro.",
)
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    topic: str | None,
    begin: str | None,
    end: str | None,
    path: Path,
) -> None:
    """Write a range of a topic into a Parquet or Avro file, merged by event time.

    `tickfleet produce --file` sends such a file to a topic again, `tickfleet backtest --file` steps
    it without Kafka. Each record's Kafka time, partition, offset and headers are kept beside its
    tick. Records that are no ticks are counted and left out.
    """
    worker = settings_of(config, bootstrap).worker
    source = open_topic(worker, topic or worker.topics.ticks, begin, end, keep_messages=True)
    with progress_bar("export") as move:
        ticks, refused = export_ticks(source, path, records=True, progress=move)
    click.echo(f"{ticks:,} ticks, {refused:,} records refused: {path}")
    for warning in source.warnings:
        click.echo(f"warning: {warning}", err=True)
