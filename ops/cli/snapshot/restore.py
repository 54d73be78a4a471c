"""`restore`: point a stopped group at a snapshot."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import click
from confluent_kafka.admin import AdminClient

from ops.cli.snapshot.choose import NEWEST, DamagedSnapshotError, Place, brokers_place_options
from ops.fleet import JournalStart, adopt, gaps_behind
from snapshots import (
    IntegrityError,
    Manifest,
    ManifestRef,
    ObjectNotFoundError,
    current_header,
    load_image,
    load_manifest,
)
from snapshots.header import config_differences, layout_differences
from workers.brokers.client_config import admin_settings
from workers.brokers.topic_identity import TopicIdentity
from workers.config import WorkerConfig

__all__ = ["restore"]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A snapshot to go on from, and the settings that would refuse it."""

    ref: ManifestRef
    manifest: Manifest
    differing: tuple[str, ...]


@click.command("restore")
@click.argument("ref", default=NEWEST)
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@brokers_place_options
@click.pass_context
def restore(context: click.Context, place: Place, *, ref: str, yes: bool) -> None:
    """Point a stopped group at a snapshot, for each chosen partition.

    The next worker loads it and replays silently what was answered since: nothing is answered
    twice, whichever snapshot is chosen. Refused while workers run, and for a snapshot that is
    damaged, of other settings, or of another ticks topic of the same name; and where the journal
    has lost what a worker would need behind it.
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
    gaps = _gaps(place.config, chosen)
    for partition, gap in sorted(gaps.items()):
        click.echo(f"partition {partition}: {gap}", err=True)
    if gaps:
        context.exit(2)
    if not yes:
        _ask(f"Point group {place.config.group_id} at these?")
    adopt(place.config, {partition: one.ref for partition, one in chosen.items()})
    click.echo(f"group {place.config.group_id} goes on from there")


def _gaps(config: WorkerConfig, chosen: Mapping[int, _Chosen]) -> dict[int, str]:
    """Why a worker would not go on from them. Of a copy, which begins a journal of its own, nothing
    is asked: that topic may be created later.
    """
    starts = {
        partition: JournalStart(one.manifest.journal_position, one.manifest.offset)
        for partition, one in chosen.items()
        if one.manifest.journal_position
    }
    return gaps_behind(config, AdminClient(admin_settings(config)), starts) if starts else {}


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
