"""`gc` and `restore`: remove snapshots nobody needs, or point a stopped group at one."""

import json
import sys
import time
from dataclasses import dataclass
from functools import partial

import click

from ops.cli.snapshot.choose import NEWEST, DamagedSnapshotError, Place, json_option, place_options
from ops.fleet import adopt, committed, wait_until_empty
from snapshots import (
    GRACE_AGE_S,
    GarbageReport,
    IntegrityError,
    Manifest,
    ManifestRef,
    ObjectNotFoundError,
    RehearsalStore,
    collect_garbage,
    current_header,
    load_image,
    load_manifest,
)
from snapshots.header import config_differences, layout_differences
from workers.brokers.client_trial import check_kafka_options
from workers.brokers.topic_identity import TopicIdentity

__all__ = ["gc", "restore"]

_place_options = partial(place_options, check=check_kafka_options)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A snapshot to go on from, and the settings that would refuse it."""

    ref: ManifestRef
    manifest: Manifest
    differing: tuple[str, ...]


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
@_place_options
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


@click.command("restore")
@click.argument("ref", default=NEWEST)
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@_place_options
@click.pass_context
def restore(context: click.Context, place: Place, *, ref: str, yes: bool) -> None:
    """Point a stopped group at a snapshot, for each chosen partition.

    The next worker loads it and replays silently what was answered since: nothing is answered
    twice, whichever snapshot is chosen. Refused while workers run, and for a snapshot that is
    damaged, of other settings, or of another ticks topic of the same name.
    """
    chosen = {partition: _choose(place, partition, ref) for partition in place.partitions}
    topic_id = TopicIdentity(place.config).ask()
    for partition, one in sorted(chosen.items()):
        click.echo(f"partition {partition}: {one.ref.offset} {one.ref.short_digest}")
        if one.manifest.is_foreign(topic_id):
            click.echo(f"  of another ticks topic, with id {one.manifest.topic_id}", err=True)
        if one.differing:
            click.echo(f"  of other settings: {', '.join(one.differing)}", err=True)
    if any(one.manifest.is_foreign(topic_id) for one in chosen.values()):
        click.echo(
            f"the ticks topic has id {topic_id}: offsets of another one are other ticks. "
            "`tickfleet snapshot copy --to-group` takes the state along",
            err=True,
        )
        context.exit(2)
    if any(one.differing for one in chosen.values()):
        click.echo("put these settings back, or `tickfleet snapshot copy --adopt-config`", err=True)
        context.exit(2)
    if not yes:
        _ask(f"Point group {place.config.group_id} at these?")
    adopt(place.config, {partition: one.ref for partition, one in chosen.items()})
    click.echo(f"group {place.config.group_id} goes on from there")


def _ask(question: str) -> None:
    """Abort unless the answer is yes; it may come through a pipe."""
    try:
        agreed = click.confirm(question)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody is there to be asked: say --yes") from None
    if not agreed:
        raise click.Abort


def _choose(place: Place, partition: int, name: str) -> _Chosen:
    ref = place.find(partition, name)
    try:
        manifest = load_manifest(place.store, place.scope(partition), ref)
        load_image(place.store, manifest)
    except (IntegrityError, ObjectNotFoundError) as error:
        raise DamagedSnapshotError(partition, ref, error) from error
    ours = current_header(place.config.predictor, place.config.dtype)
    differing = config_differences(manifest.header, ours) + layout_differences(
        manifest.header, ours
    )
    return _Chosen(ref, manifest, differing)
