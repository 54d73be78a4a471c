"""`tickfleet tune`: hyperparameters searched by walk-forward."""

import math
from pathlib import Path

import click

from ops.cli.layouts import MakeLayout, history_options, tick_file
from ops.cli.options import config_option, offline_settings
from ops.cli.pairs import Pairs
from ops.compile_cache import keep_executables
from ops.tuning import search_bar, summary_lines, write_pages
from workers.tuning import (
    Objective,
    SearchPlan,
    SearchSpace,
    Verdict,
    open_ticks,
    read_space,
    run_search,
)

__all__ = ["command"]


@click.command("tune")
@config_option
@click.option(
    "--file",
    "path",
    required=True,
    type=tick_file,
    help="Ticks, as `tickfleet backtest` takes them: Parquet, CSV, Avro.",
)
@click.option(
    "--space",
    "space_path",
    required=True,
    type=tick_file,
    help="What is searched (TOML): a table for each hyperparameter.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("tuned"),
    show_default=True,
    help="Folder to make.",
)
@click.option("--trials", type=click.IntRange(1), default=100, show_default=True, help="A round.")
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with a search that was interrupted.")
@click.option(
    "--objective",
    type=click.Choice([str(one) for one in Objective]),
    default="mse",
    show_default=True,
    help="The loss, against persistence's: squared, absolute, logarithmic score, CRPS.",
)
@click.option("--folds", type=click.IntRange(2), default=5, show_default=True)
@click.option(
    "--held-out",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="How many of the last folds judge; each is a round.",
)
@click.option(
    "--embargo",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="An asset's first ticks of a held-out fold that are not judged.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="An asset's first ticks of all that are not judged.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--no-prune", is_flag=True, help="Take every trial to its last fold.")
@click.option("--set", "changes", multiple=True, type=Pairs(), help="Of the baseline.")
@history_options
def command(
    config: Path | None,
    *,
    path: Path,
    space_path: Path,
    out: Path,
    trials: int,
    processes: int,
    resume: bool,
    objective: str,
    folds: int,
    held_out: int,
    embargo: int,
    warm_up: int,
    seed: int,
    no_prune: bool,
    changes: tuple[tuple[str, str], ...],
    layout: MakeLayout,
) -> None:
    """Search hyperparameters on the early folds of a history; the last folds judge the choice.

    The baseline is the configuration in force (--config, environment, --set). Leaves tuned.toml,
    for --config or to copy its [predictor] from, and what it is worth: report.html, report.md,
    evidence.json.
    """
    keep_executables()
    worker = offline_settings(config, predictor=dict(changes)).worker
    read = layout(allow_nonpositive_prices=worker.allow_nonpositive_prices)
    plan = SearchPlan(
        ticks=open_ticks(path, read),
        space=SearchSpace.parse(read_space(space_path), worker.predictor),
        out=out,
        base=worker.predictor,
        trials=trials,
        folds=folds,
        held_out=held_out,
        objective=Objective(objective),
        embargo=embargo,
        warm_up=warm_up,
        seed=seed,
        prune=not no_prune,
        dtype=worker.dtype,
    )
    with search_bar() as move:
        evidence = run_search(
            plan, resume=resume, processes=processes, progress=move, prepare=keep_executables
        )
    write_pages(out, evidence)
    for line in summary_lines(evidence):
        click.echo(line)
    if evidence.verdict is not Verdict.BETTER and math.isfinite(evidence.better_held_out):
        click.echo(f"warning: {evidence.verdict.value}", err=True)
    click.echo(f"{out / 'tuned.toml'}, {out / 'report.html'}")
