"""`gc`: remove snapshots that nobody needs, and chunks that none lists."""

import json
import time

import click

from ops.cli.snapshot.choose import Place, brokers_place_options, json_option
from ops.fleet import committed, wait_until_empty
from snapshots import GRACE_AGE_S, GarbageReport, RehearsalStore, collect_garbage
from workers.brokers.topic_identity import TopicIdentity

__all__ = ["gc"]


@click.command("gc")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="How many of the newest to keep; by default snapshots_kept.",
)
@click.option(
    "--older-than-h",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="Leave what is younger than so many hours; workers must be stopped for less than 1.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
@brokers_place_options
def gc(
    place: Place, *, keep: int | None, older_than_h: float, dry_run: bool, as_lines: bool
) -> None:
    """Remove old snapshots and chunks that none lists. What a commit names always stays.

    Workers do this for partitions they own; this is for what a group has left behind. Asks the
    brokers for the commits, and removes nothing when they do not answer. What is of another ticks
    topic of the same name, a deleted one's or another cluster's, stays. Below an hour it is refused
    while workers run: they would lose what they are writing.
    """
    if older_than_h * 3600 < GRACE_AGE_S and not dry_run:
        wait_until_empty(
            place.config, instead=f", or say --older-than-h {GRACE_AGE_S / 3600:g} or more"
        )
    commits = committed(place.config, place.partitions)
    topic_id = TopicIdentity(place.config).ask()
    for partition in place.partitions:
        rehearsal = RehearsalStore(place.store)
        commit = commits.get(partition)
        report = collect_garbage(
            rehearsal if dry_run else place.store,
            place.scope(partition),
            keep=keep or place.config.snapshots_kept,
            protected={commit.metadata} if commit else set(),
            older_than_s=time.time() - older_than_h * 3600,
            topic_id=topic_id,
        )
        if as_lines:
            _print_json(partition, report, dry_run=dry_run)
        else:
            _print_text(partition, report, dry_run=dry_run)


def _print_json(partition: int, report: GarbageReport, *, dry_run: bool) -> None:
    facts = {
        "partition": partition,
        "dry_run": dry_run,
        "snapshots_removed": report.deleted_manifests,
        "chunks_removed": report.deleted_chunks,
        "kept": [ref.digest for ref in report.kept],
        "damaged": [ref.digest for ref in report.unreadable],
        "of_another_topic": [ref.digest for ref in report.foreign],
    }
    click.echo(json.dumps(facts))


def _print_text(partition: int, report: GarbageReport, *, dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removed"
    click.echo(
        f"partition {partition}: {verb} {report.deleted_manifests} snapshots and "
        f"{report.deleted_chunks} chunks; {len(report.kept)} snapshots stay"
    )
    if report.foreign:
        click.echo(
            f"partition {partition}: {len(report.foreign)} of them are of another ticks topic of "
            "this name"
        )
    if report.unreadable:
        click.echo(
            f"partition {partition}: {len(report.unreadable)} kept snapshots are damaged, so "
            "no chunk was removed; `tickfleet snapshot verify` names them"
        )
