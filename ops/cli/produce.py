"""`tickfleet produce`: ticks from a file or a generator into a topic."""

import sys
import time
from pathlib import Path

import click
import numpy as np
from jaxtyping import Float64
from rich.console import Console
from rich.progress import Progress

from ops.cli.ages import age
from ops.cli.layouts import MakeLayout, layout_options, tick_file
from ops.cli.leaving import interrupt_noted
from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.ticks import (
    TickTable,
    at_rate,
    in_real_time,
    read_ticks,
    send_ticks,
    synthetic_ticks,
    unpaced,
)
from schemas import TickCodec
from workers.brokers.client_config import base_settings
from workers.emission.framing import framing_by_topic

__all__ = ["command"]

_DEFAULT_INTERVAL_NS = 1_000_000
_OLD_NS = 60_000_000_000


class _Rate(click.ParamType[float | str]):
    """`max`, `real`, or ticks per second."""

    name = "max|real|N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        if value in ("max", "real"):
            return str(value)
        try:
            rate = float(str(value))
        except ValueError:
            rate = 0.0
        if rate <= 0:
            self.fail(f"{value!r} is neither max, real nor a positive number", param, ctx)
        return rate


@click.command("produce")
@config_option
@bootstrap_option
@click.option("--topic", help="Topic to send to; by default the ticks topic of the settings.")
@click.option(
    "--file",
    "path",
    type=tick_file,
    help="Parquet, CSV or Avro: asset_id, price, timestamp_ns, target (optional: the price).",
)
@layout_options
@click.option(
    "--synthetic", type=click.IntRange(min=1), help="Instead of a file: so many made-up ticks."
)
@click.option(
    "--assets",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many assets to make up; with too many for the rate each one's ticks are sparse.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the made-up ticks.")
@click.option(
    "--rate",
    type=_Rate(),
    default="max",
    show_default=True,
    help="As fast as possible, as the timestamps say, or ticks per second: a file's evenly "
    "spaced, made-up ones at their timestamps.",
)
@click.option(
    "--restamp",
    is_flag=True,
    help="Move the timestamps so that the first is of when it is sent; old ones have degraded "
    "results.",
)
@click.option(
    "--records",
    type=click.Choice(["keep", "new"]),
    default="keep",
    show_default=True,
    help="File of `tickfleet export`: Kafka times, partitions and headers as they were, or new.",
)
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    topic: str | None,
    path: Path | None,
    layout: MakeLayout,
    synthetic: int | None,
    assets: int,
    seed: int,
    rate: float | str,
    restamp: bool,
    records: str,
) -> None:
    """Send ticks, keyed by asset, in order; ends when the brokers have acknowledged them all.

    Ctrl-C ends it sooner, once those that were sent are acknowledged, and it says how many.

    What `tickfleet export` has written goes back as it was, Kafka times included; so a topic whose
    retention is shorter than their age soon loses it: --records new gives them the time of now.
    """
    if (path is None) == (synthetic is None):
        raise click.UsageError("give either --file or --synthetic")
    worker = settings_of(config, bootstrap).worker
    target = topic or worker.topics.ticks
    if path is not None:
        table = read_ticks(path, layout(unsorted=True), keep_records=records == "keep")
    else:
        table = _made_up(synthetic or 0, assets, seed, rate)
    for warning in table.warnings:
        click.echo(f"warning: {warning}", err=True)
    renewed = restamp or path is None
    begun_s = time.monotonic()
    with (
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar,
        interrupt_noted() as interrupted,
    ):
        task = bar.add_task("sent", total=len(table))
        sent = send_ticks(
            table,
            _due_times(table, rate, made_up=path is None),
            topic=target,
            codec=TickCodec(framing_by_topic(worker)(target)),
            producer_options=base_settings(worker),
            first_is_now=renewed,
            progress=lambda count: bar.advance(task, count),
            stopped=interrupted,
        )
    if sent < len(table):
        click.echo(f"interrupted: {sent:,} of {len(table):,} ticks were sent to {target}", err=True)
        raise KeyboardInterrupt
    took_s = time.monotonic() - begun_s
    click.echo(
        f"sent {len(table):,} ticks of {len(set(table.asset_id)):,} assets to {target} "
        f"in {took_s:.1f} s ({len(table) / took_s:,.0f}/s)"
    )
    if renewed:
        table = table.starting_at(time.time_ns() - int(took_s * 1e9))
    _warn_of_age(table, worker.predictor.staleness_ttl_ns)


def _warn_of_age(table: TickTable, ttl_ns: int) -> None:
    """A surprise otherwise: every result of a past file says that it is degraded."""
    age_ns = time.time_ns() - int(table.timestamp_ns.max(initial=0))
    if len(table) and age_ns > max(ttl_ns, _OLD_NS):
        click.echo(
            f"note: the newest tick is {age(age_ns * 1e-9)} old; workers on the wall clock mark "
            "results of ticks older than staleness_ttl_ns as degraded. --restamp --rate real makes "
            "each new",
            err=True,
        )


def _made_up(count: int, assets: int, seed: int, rate: float | str) -> TickTable:
    interval_ns = int(1e9 / rate) if isinstance(rate, float) else _DEFAULT_INTERVAL_NS
    return synthetic_ticks(count, assets=assets, seed=seed, start_ns=0, interval_ns=interval_ns)


def _due_times(table: TickTable, rate: float | str, *, made_up: bool) -> Float64[np.ndarray, " n"]:
    if rate == "max":
        return unpaced(table)
    # Made-up times have the rate already. Evenly spaced, ticks would walk away from their times.
    return in_real_time(table) if made_up or isinstance(rate, str) else at_rate(table, rate)
