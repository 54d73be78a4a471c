"""`tickfleet backtest`: the past through the live step, from a file or a topic."""

from dataclasses import replace
from pathlib import Path
from typing import Any

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
from ops.replay import begin_named, bounds_of, progress_bar, publishing_to
from ops.report import write_report
from ops.terminal import printable
from workers.config import WorkerConfig
from workers.replay import (
    EventTime,
    FileSource,
    History,
    RunPlan,
    Verification,
    begun,
    plan_as_recorded,
    plan_topic,
    run_backtest,
    run_in_processes,
    verifying,
)
from workers.scoring import ENOUGH

__all__ = ["command"]

_DIFFERS = 1


@click.command("backtest")
@config_option
@bootstrap_option
@click.option(
    "--file",
    "path",
    type=tick_file,
    help="Parquet, CSV or Avro: asset_id, price, timestamp_ns, target (optional: the price).",
)
@range_options
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    type=Pairs(),
    help="Hyperparameter to change. Repeat for more.",
)
@click.option("--from-snapshot", "snapshot", metavar="REF", help="Begin from a run or a snapshot.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
@click.option("--by-partition", is_flag=True, help="Topic: not merged by event time.")
@click.option("--as-recorded", is_flag=True, help="Topic: under the decisions live took.")
@click.option("--verify", metavar="TOPIC", help="As recorded: compare with what live published.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Share the work by partition of a topic, by asset of a file; the same results.",
)
@click.option("--to-topic", metavar="TOPIC", help="Publish the results there as well, each once.")
@click.option("--flags-to-topic", metavar="TOPIC", help="And the flag events there, each once.")
@click.option("--run-id", help="Header of what is published; made up if not given.")
@history_options
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
    processes: int,
    to_topic: str | None,
    flags_to_topic: str | None,
    run_id: str | None,
    layout: MakeLayout,
) -> None:
    """Step historical ticks as a worker would have, and keep every result.

    Each tick is stepped at its own event time, or as recorded: at the clock readings and under the
    load shedding that the fleet's journal tells; the results are then live's, byte for byte.

    The state begins empty, or --from-snapshot: the folder of a finished run, or, of the fleet in
    --config, `newest`, `oldest`, an offset or the begin of a digest (tickfleet snapshot ls). With
    --set that is a branch: the same past, another configuration from there on.
    """
    if (path is None) == (topic is None):
        raise click.UsageError("give either --file or --topic")
    _check_choices(topic, as_recorded=as_recorded, verify=verify, free=(begin, end, changes))
    if (run_id or flags_to_topic) and not to_topic:
        raise click.UsageError("--run-id and --flags-to-topic need --to-topic")
    if begin and snapshot:
        raise click.UsageError("--from-snapshot says where to begin: no --from")
    keep_executables()
    predictor = dict(changes)
    if topic is None and to_topic is None:
        worker = offline_settings(config, predictor=predictor).worker
    else:
        worker = settings_of(config, bootstrap, predictor=predictor).worker
    how = _How(worker, snapshot, topic, out, resume=resume, processes=processes)
    publish = None
    if to_topic:
        publish = publishing_to(worker, to_topic, flags_to_topic, run_id, out, ticks=topic)
    if as_recorded:
        plan, history = plan_as_recorded(
            worker, str(topic), out, begin=how.begin.images if how.begin else {}
        )
        _run_as_recorded(replace(plan, publish=publish), history, how, verify)
        return
    if path is not None:
        read = layout(allow_nonpositive_prices=worker.allow_nonpositive_prices)
        source = FileSource(path, read)
        plan = RunPlan(source, worker.predictor, worker.dtype, EventTime(worker.predictor), out)
    else:
        first, last = bounds_of(begin, end)
        plan = plan_topic(worker, str(topic), out, by_partition=by_partition, begin=first, end=last)
    _run(replace(plan, publish=publish), how)


class _How:
    """How a run is done, whatever it is of."""

    def __init__(
        self,
        worker: WorkerConfig,
        snapshot: str | None,
        topic: str | None,
        out: Path,
        *,
        resume: bool,
        processes: int,
    ) -> None:
        self.worker = worker
        before = (begun(out) or {}).get("begin", "") if resume else ""
        self.begin = begin_named(worker, snapshot, topic=topic, before=before) if snapshot else None
        self.resume = resume
        self.processes = processes


def _check_choices(
    topic: str | None, *, as_recorded: bool, verify: str | None, free: tuple[Any, ...]
) -> None:
    if topic is None and (as_recorded or any(free[:2])):
        raise click.UsageError("--from, --to and --as-recorded need --topic")
    if as_recorded and any(free):
        raise click.UsageError("--as-recorded replays all that live did: no --from, --to or --set")
    if verify and not as_recorded:
        raise click.UsageError("--verify needs --as-recorded")


def _run(plan: RunPlan, how: _How) -> dict[str, Any]:
    plan = plan if how.begin is None else how.begin.of(plan)
    try:
        with progress_bar("backtest") as move:
            if how.processes > 1:
                run = run_in_processes(plan, how.processes, resume=how.resume, progress=move)
            else:
                run = run_backtest(plan, resume=how.resume, progress=move)
    except KeyboardInterrupt:
        if begun(plan.out) is not None:
            click.echo("\nwhat was done is kept: go on with --resume", err=True)
        raise
    counts, speed = run["counts"], run["results_per_second"]
    # What others had stepped before was not stepped in these seconds.
    stepped = f" ({speed:,}/s)" if speed else ""
    click.echo(
        f"{counts['results']:,} results of {counts['assets']:,} assets in {run['seconds']:.1f} s"
        f"{stepped}, {counts['flags']:,} flag events, "
        f"{counts['refused']:,} refused: {plan.out}"
    )
    if run["published"] is not None:
        to = run["published"]
        flags = f", flag events to {to['flags_topic']}," if to["flags_topic"] else ""
        click.echo(f"published to {to['topic']}{flags} as run {to['run_id']}")
    if run["processes"] < how.processes:
        click.echo(f"{run['processes']} processes: there are no more partitions", err=True)
    with progress_bar("report") as move:
        report = write_report(plan.out, move)
    found = report.summary
    if found["skill"] is not None:
        doubt = "" if found["judged"] >= ENOUGH else f", of only {found['judged']} forecasts"
        click.echo(
            f"skill against persistence {found['skill']:+.4f}{doubt}: {plan.out / 'report.html'}"
        )
    if not counts["records"]:
        since = "" if how.begin is None else " behind the snapshots that it begins from"
        click.echo(f"warning: there are no ticks in {plan.source.name}{since}", err=True)
    for warning in report.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    return run


def _run_as_recorded(plan: RunPlan, history: History, how: _How, verify: str | None) -> None:
    worker = how.worker
    if verify is None:
        _run(plan, how)
        return
    watch = verifying(worker, history, verify, flags=worker.topics.flags)
    found = Verification.read(_run(replace(plan, watch=watch), how)["verification"])
    for count, what in (
        (found.not_retained, "results are not retained and were not compared"),
        (found.flags_not_retained, "flag events are not retained and were not compared"),
        (
            found.beyond,
            "results were published beyond what was replayed and were not compared: live has "
            "answered since, or its journal does not tell of them",
        ),
        (found.repeated, "results were published again, as at_least_once may"),
    ):
        if count:
            click.echo(f"{count:,} {what}")
    compared_with = f"{found.results:,} results and {found.flags:,} flag events of {verify}"
    click.echo(f"{compared_with}: {found.differences:,} differences")
    if found.first is not None:
        click.echo(f"first: {printable(found.first.describe())}", err=True)
        click.get_current_context().exit(_DIFFERS)
