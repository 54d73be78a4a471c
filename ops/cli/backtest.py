"""`tickfleet backtest`: the past through the live step, from a file."""

from pathlib import Path
from typing import Any

import click

from ops.cli.options import config_option, offline_settings
from ops.compile_cache import keep_executables
from ops.replay import progress_bar
from workers.replay import (
    EventTime,
    FileSource,
    Layout,
    Repeats,
    RunPlan,
    TimeUnit,
    run_backtest,
)

__all__ = ["command"]


def _pairs(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`("a=1", "b=2")` as a mapping."""
    pairs = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not (key and equals and value):
            raise click.BadParameter(f"{one!r}: write KEY=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs


@click.command("backtest")
@config_option
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Ticks in Parquet or CSV: asset_id, price, timestamp_ns, target (optional: the price).",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    callback=_pairs,
    metavar="KEY=VALUE",
    help="Another hyperparameter, as in [predictor]; repeatable.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_pairs,
    metavar="OURS=THEIRS",
    help="The file's name of a column, as in price=last_price; repeatable.",
)
@click.option(
    "--time-unit",
    type=click.Choice([str(one) for one in TimeUnit]),
    default="ns",
    show_default=True,
    help="Of integer timestamps in the file.",
)
@click.option("--unsorted", is_flag=True, help="Take the rows as they stand: they arrived so.")
@click.option(
    "--repeats",
    type=click.Choice([str(one) for one in Repeats]),
    default="refuse",
    show_default=True,
    help="What to do with rows that are there twice.",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
def command(
    config: Path | None,
    *,
    path: Path,
    out: Path,
    changes: dict[str, str],
    columns: dict[str, str],
    time_unit: str,
    unsorted: bool,
    repeats: str,
    resume: bool,
) -> None:
    """Step historical ticks as a worker would have, at event time, and keep every result."""
    settings = offline_settings(config, predictor=changes).worker
    keep_executables()
    layout = Layout(
        columns=columns,
        time_unit=TimeUnit(time_unit),
        unsorted=unsorted,
        repeats=Repeats(repeats),
        allow_nonpositive_prices=settings.allow_nonpositive_prices,
    )
    plan = RunPlan(
        FileSource(path, layout),
        settings.predictor,
        settings.dtype,
        EventTime(settings.predictor),
        out,
    )
    with progress_bar("backtest") as move:
        run = run_backtest(plan, resume=resume, progress=move)
    _tell(run, out)


def _tell(run: dict[str, Any], out: Path) -> None:
    counts = run["counts"]
    click.echo(
        f"{counts['results']:,} results of {counts['assets']:,} assets in {run['seconds']:.1f} s "
        f"({run['results_per_second']:,}/s), {counts['flags']:,} flag events, "
        f"{counts['refused']:,} refused: {out}"
    )
    for warning in run["warnings"]:
        click.echo(f"warning: {warning}", err=True)
