"""`copy`: snapshots into another store, or for another group, topic, cluster or configuration."""

import json
from typing import Any

import click

from ops.cli.snapshot.choose import NEWEST, DamagedSnapshotError, Place, json_option, place_options
from ops.terminal import printable
from snapshots import (
    IntegrityError,
    ManifestRef,
    ObjectNotFoundError,
    SnapshotScope,
    copy_snapshot,
    current_header,
    list_snapshots,
    load_manifest,
    open_store,
    retarget,
)

__all__ = ["copy"]


@click.command("copy")
@click.argument("ref", default=NEWEST)
@click.option("--all", "every", is_flag=True, help="Every snapshot instead of one.")
@click.option("--to", "url", help="The other store's URL; the same store when not given.")
@click.option("--to-group", help="The group that is to go on from the copy.")
@click.option("--to-topic", help="The ticks topic of that group.")
@click.option(
    "--begin-at",
    type=click.IntRange(min=0),
    help="The input offset to go on at, where the ticks topic is a new one: 0 for an empty one.",
)
@click.option(
    "--adopt-config",
    is_flag=True,
    help="Write the settings' [predictor] into the copy; refused if the state's layout differs.",
)
@json_option
@place_options
@click.pass_context
def copy(
    context: click.Context,
    /,
    place: Place,
    *,
    ref: str,
    every: bool,
    url: str | None,
    adopt_config: bool,
    as_lines: bool,
    **target: Any,
) -> None:
    """Copy a snapshot of each chosen partition, every chunk verified on the way.

    What is damaged where it is copied to is written anew. One that is damaged here is told and
    passed over, with exit code 1.

    To another group the copy begins a journal of its own; `tickfleet snapshot restore --group`
    then points that group at it. The settings of a store apply to both.
    """
    config = place.config
    if url is None and not any((target["to_group"], target["to_topic"])):
        raise click.UsageError("give --to, --to-group or --to-topic: this is where it is already")
    store = open_store(url or config.snapshot_url, config.store_options)
    wanted_group = target["to_group"] or config.group_id
    header = current_header(config.predictor, config.dtype) if adopt_config else None
    damaged = 0
    for partition in place.partitions:
        scope = place.scope(partition)
        wanted_topic = target["to_topic"] or config.topics.ticks
        wanted_scope = SnapshotScope(wanted_group, wanted_topic, partition)
        # Oldest first: whenever this is interrupted, what is there is complete.
        refs = list_snapshots(place.store, scope)[::-1] if every else [place.find(partition, ref)]
        sound: set[str] = set()
        for one in refs:
            try:
                manifest = load_manifest(place.store, scope, one)
                wanted = retarget(
                    manifest, wanted_scope, begin_at=target["begin_at"], header=header
                )
                written = copy_snapshot(place.store, manifest, store, wanted, sound=sound)
            except (IntegrityError, ObjectNotFoundError) as error:
                damaged += 1
                click.echo(printable(str(DamagedSnapshotError(partition, one, error))), err=True)
            else:
                _show(one, wanted_scope, written, as_lines=as_lines)
    if damaged:
        context.exit(1)
    if wanted_group != config.group_id and not as_lines:
        restore = "`tickfleet snapshot restore`, with its settings"
        click.echo(f"next, point group {wanted_group} at this: {restore}")


def _show(was: ManifestRef, scope: SnapshotScope, now: ManifestRef, *, as_lines: bool) -> None:
    if as_lines:
        facts = {"from": was.digest, "to": now.digest, "group": scope.group, "topic": scope.topic}
        click.echo(json.dumps({"partition": scope.partition, "offset": now.offset, **facts}))
        return
    click.echo(
        f"partition {scope.partition}: {was.offset} {was.short_digest} -> "
        f"{scope.group}/{scope.topic} {now.offset} {now.short_digest}"
    )
