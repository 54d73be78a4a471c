"""`tickfleet backtest`: the past through the live step, from a file or a topic."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from ops.cli.options import bootstrap_option, config_option, offline_settings, settings_of
from ops.cli.pairs import Pairs
from ops.compile_cache import keep_executables
from ops.replay import begin_named, progress_bar
from ops.report import write_report
from workers.config import WorkerConfig
from workers.replay import (
    Bound,
    EventTime,
    FileSource,
    Layout,
    Repeats,
    RunPlan,
    TimeUnit,
    plan_as_recorded,
    plan_topic,
    run_backtest,
    verifying,
)

__all__ = ["command"]

_DIFFERS = 1


@click.command("backtest")
@config_option
@bootstrap_option
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Ticks in Parquet or CSV: asset_id, price, timestamp_ns, target (optional: the price).",
)
@click.option("--topic", help="Instead: ticks of a topic.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option("--set", "changes", multiple=True, type=Pairs(), help="Another hyperparameter.")
@click.option("--from-snapshot", "snapshot", metavar="REF", help="Begin from a run or a snapshot.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
@click.option("--from", "begin", help="Topic: first offset, or a record time such as 2013-09-01.")
@click.option("--to", "end", help="Topic: offset or record time to stop before; the end of now.")
@click.option("--by-partition", is_flag=True, help="Topic: not merged by event time.")
@click.option("--as-recorded", is_flag=True, help="Topic: under the decisions live took.")
@click.option("--verify", metavar="TOPIC", help="As recorded: compare with what live published.")
@click.option("--column", "columns", multiple=True, type=Pairs(), help="File: OURS=THEIRS.")
@click.option(
    "--time-unit",
    type=click.Choice([str(one) for one in TimeUnit]),
    default="ns",
    show_default=True,
    help="File: of integer timestamps.",
)
@click.option("--unsorted", is_flag=True, help="File: the rows stand as they arrived.")
@click.option(
    "--repeats",
    type=click.Choice([str(one) for one in Repeats]),
    default="refuse",
    show_default=True,
    help="File: what to do with rows that are there twice.",
)
def command(
    config: Path | None,
    bootstrap: str | None,
    *,
    path: Path | None,
    topic: str | None,
    out: Path,
    changes: tuple[tuple[str, str], ...],
    snapshot: str | None,
    resume: bool,
    begin: str | None,
    end: str | None,
    by_partition: bool,
    as_recorded: bool,
    verify: str | None,
    columns: tuple[tuple[str, str], ...],
    time_unit: str,
    unsorted: bool,
    repeats: str,
) -> None:
    """Step historical ticks as a worker would have, and keep every result.

    Each tick is stepped at its own event time, or as recorded: at the clock readings and under the
    load shedding that the fleet's journal tells; the results are then live's, byte for byte.

    The state begins empty, or --from-snapshot: the folder of a finished run, or, of the fleet in
    --config, `newest`, an offset or the begin of a digest (tickfleet snapshot ls). With --set that
    is a branch: the same past, another configuration from there on.
    """
    if (path is None) == (topic is None):
        raise click.UsageError("give either --file or --topic")
    _check_choices(
        topic, as_recorded=as_recorded, verify=verify, free=(begin, end, changes), resume=resume
    )
    if begin and snapshot:
        raise click.UsageError("--from-snapshot says where to begin: no --from")
    keep_executables()
    if path is not None:
        worker = offline_settings(config, predictor=dict(changes)).worker
        layout = Layout(
            columns=dict(columns),
            time_unit=TimeUnit(time_unit),
            unsorted=unsorted,
            repeats=Repeats(repeats),
            allow_nonpositive_prices=worker.allow_nonpositive_prices,
        )
        source = FileSource(path, layout)
        plan = RunPlan(source, worker.predictor, worker.dtype, EventTime(worker.predictor), out)
        _run(_begun(plan, worker, snapshot, topic=None), resume=resume)
        return
    worker = settings_of(config, bootstrap, predictor=dict(changes)).worker
    if as_recorded:
        _run_as_recorded(worker, str(topic), out, verify, snapshot=snapshot, resume=resume)
        return
    bounds = {name: Bound.parse(text) for name, text in (("begin", begin), ("end", end)) if text}
    plan = plan_topic(worker, str(topic), out, by_partition=by_partition, **bounds)
    _run(_begun(plan, worker, snapshot, topic=topic), resume=resume)


def _begun(plan: RunPlan, worker: WorkerConfig, name: str | None, *, topic: str | None) -> RunPlan:
    return plan if name is None else begin_named(worker, name, topic=topic).of(plan)


def _check_choices(
    topic: str | None, *, as_recorded: bool, verify: str | None, free: tuple[Any, ...], resume: bool
) -> None:
    if topic is None and (as_recorded or any(free[:2])):
        raise click.UsageError("--from, --to and --as-recorded need --topic")
    if as_recorded and any(free):
        raise click.UsageError("--as-recorded replays all that live did: no --from, --to or --set")
    if verify and not as_recorded:
        raise click.UsageError("--verify needs --as-recorded")
    if verify and resume:
        raise click.UsageError("--verify compares whole runs: remove the partial one, not --resume")


def _run(plan: RunPlan, *, resume: bool, witness: Any = None) -> dict[str, Any]:
    with progress_bar("backtest") as move:
        run = run_backtest(plan, resume=resume, progress=move, witness=witness)
    counts = run["counts"]
    click.echo(
        f"{counts['results']:,} results of {counts['assets']:,} assets in {run['seconds']:.1f} s "
        f"({run['results_per_second']:,}/s), {counts['flags']:,} flag events, "
        f"{counts['refused']:,} refused: {plan.out}"
    )
    skill = write_report(plan.out).summary["skill"]
    if skill is not None:
        click.echo(f"skill against persistence {skill:+.4f}: {plan.out / 'report.html'}")
    for warning in run["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    return run


def _run_as_recorded(
    worker: WorkerConfig,
    topic: str,
    out: Path,
    verify: str | None,
    *,
    snapshot: str | None,
    resume: bool,
) -> None:
    begin = begin_named(worker, snapshot, topic=topic) if snapshot else None
    offsets = begin.offsets() if begin is not None else {}
    plan, history = plan_as_recorded(worker, topic, out, begin=offsets)
    plan = plan if begin is None else begin.of(plan)
    compared = (
        verifying(worker, history, verify, flags=worker.topics.flags)
        if verify
        else nullcontext(None)
    )
    with compared as verifier:
        _run(plan, resume=resume, witness=verifier)
        if verifier is None:
            return
        found = verifier.found
    for count, what in (
        (found.not_retained, "results are not retained and were not compared"),
        (found.repeated, "results were published again, as at_least_once may"),
    ):
        if count:
            click.echo(f"{count:,} {what}")
    compared_with = f"{found.results:,} results and {found.flags:,} flag events of {verify}"
    click.echo(f"{compared_with}: {found.differences:,} differences")
    if found.first is not None:
        click.echo(f"first: {found.first.describe()}", err=True)
        click.get_current_context().exit(_DIFFERS)
