"""`tickfleet tune`: hyperparameters searched by walk-forward."""

import math
from pathlib import Path

import click

from ops.cli.layouts import MakeLayout, history_options, tick_file
from ops.cli.options import (
    bootstrap_option,
    config_option,
    offline_settings,
    range_options,
    settings_of,
)
from ops.cli.pairs import Pairs
from ops.compile_cache import keep_executables
from ops.replay import open_topic
from ops.terminal import printable
from ops.tuning import SearchBar, summary_lines, write_pages
from workers.tuning import (
    Objective,
    SearchPlan,
    SearchSpace,
    Verdict,
    interrupted,
    open_ticks,
    read_space,
    run_search,
    topic_ticks,
)

__all__ = ["command"]


@click.command("tune")
@config_option
@bootstrap_option
@click.option(
    "--file",
    "path",
    type=tick_file,
    help="Ticks, as `tickfleet backtest` takes them: Parquet, CSV, Avro.",
)
@range_options
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
@click.option(
    "--trials", type=click.IntRange(1), default=100, show_default=True, help="Trials in each round."
)
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="Trials at a time."
)
@click.option("--resume", is_flag=True, help="Go on with a search that was interrupted.")
@click.option(
    "--objective",
    type=click.Choice([str(one) for one in Objective]),
    default="mse",
    show_default=True,
    help="The loss, against persistence's: squared, absolute, logarithmic score, CRPS.",
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    help="Parts of the history, in order of time.",
)
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
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Of the search: the same, the same trials.",
)
@click.option("--no-prune", is_flag=True, help="Take every trial to its last fold.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    type=Pairs(),
    help="Hyperparameter of the baseline. Repeat for more.",
)
@history_options
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    path: Path | None,
    topic: str | None,
    begin: str | None,
    end: str | None,
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

    Ticks of a topic are read once, into ticks.parquet beside these; --resume goes on with them.
    """
    if (path is None) == (topic is None):
        raise click.UsageError("give either --file or --topic")
    if topic is None and (begin or end):
        raise click.UsageError("--from and --to need --topic")
    keep_executables()
    predictor = dict(changes)
    if topic is None:
        worker = offline_settings(config, predictor=predictor).worker
    else:
        worker = settings_of(config, bootstrap, predictor=predictor).worker
    space = SearchSpace.parse(read_space(space_path), worker.predictor)
    allowed = {"allow_nonpositive_prices": worker.allow_nonpositive_prices}
    bar, source = SearchBar(), None
    if path is not None:
        ticks = open_ticks(path, layout(**allowed))
    else:
        before = interrupted(out)
        source = open_topic(worker, str(topic), begin, end, before=before and before["source"])
        ticks = topic_ticks(source, out, **allowed, progress=bar.read)
    plan = SearchPlan(
        ticks=ticks,
        space=space,
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
    with bar:
        evidence = run_search(
            plan,
            resume=resume,
            processes=processes,
            progress=bar.move,
            prepare=keep_executables,
            warn=_warn,
        )
    write_pages(out, evidence)
    for line in summary_lines(evidence):
        click.echo(line)
    if evidence.verdict is not Verdict.BETTER and math.isfinite(evidence.better_held_out):
        _warn(evidence.verdict.value)
    for warning in source.warnings if source is not None else ():
        _warn(warning)
    click.echo(f"{out / 'tuned.toml'}, {out / 'report.html'}")


def _warn(text: str) -> None:
    click.echo(f"warning: {printable(text)}", err=True)
