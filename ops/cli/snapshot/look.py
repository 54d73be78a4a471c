"""`ls`, `show`, `verify`, `diff`: read the store and change nothing."""

import json
import time
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from core.errors import FatalError
from ops.cli.ages import age
from ops.cli.snapshot.choose import NEWEST, Place, json_option, place_options
from ops.fleet import stored_snapshots
from ops.terminal import printable
from snapshots import ManifestRef, SnapshotScope, compare, load_image, load_manifest

__all__ = ["diff", "ls", "show", "verify"]


@click.command("ls")
@json_option
@place_options
def ls(place: Place, *, as_lines: bool) -> None:
    """List the snapshots, newest first. Nothing is read but the store's listing."""
    table = Table("partition", "offset", "digest", "age", "manifest bytes", box=None)
    now_s = time.time()
    for partition in place.partitions:
        for one in stored_snapshots(place.store, place.scope(partition)):
            age_s = max(now_s - one.modified_s, 0.0)
            if as_lines:
                _print_json(
                    partition=partition,
                    offset=one.ref.offset,
                    digest=one.ref.digest,
                    age_s=round(age_s, 3),
                    manifest_bytes=one.size_bytes,
                )
            table.add_row(
                str(partition),
                str(one.ref.offset),
                one.ref.short_digest,
                age(age_s),
                f"{one.size_bytes:,}",
            )
    if not as_lines:
        Console().print(table)


@click.command("show")
@click.argument("ref", default=NEWEST)
@json_option
@place_options
def show(place: Place, *, ref: str, as_lines: bool) -> None:
    """Show what the manifest of a snapshot says, for each chosen partition."""
    for partition in place.partitions:
        chosen = place.find(partition, ref)
        manifest = load_manifest(place.store, place.scope(partition), chosen)
        header = manifest.header
        facts: dict[str, Any] = {
            "partition": partition,
            "offset": manifest.offset,
            "digest": chosen.digest,
            "journal_position": manifest.journal_position,
            "parent": manifest.parent.offset if manifest.parent else None,
            "assets": manifest.row_count,
            "chunks": len(manifest.chunks),
            "state_bytes": manifest.row_count * header.row_bytes,
            "dtype": header.dtype,
            "schema_version": header.schema_version,
            "fingerprint": header.fingerprint,
            "runtime": dict(header.runtime),
            "config": dict(header.config),
        }
        if as_lines:
            _print_json(**facts)
        else:
            click.echo("\n".join(f"{name:17} {_plain(value)}" for name, value in facts.items()))


@click.command("verify")
@click.option("--newest", "only_newest", is_flag=True, help="Only the newest of each partition.")
@json_option
@place_options
@click.pass_context
def verify(context: click.Context, place: Place, *, only_newest: bool, as_lines: bool) -> None:
    """Read every chunk of the snapshots and check every hash; exit code 1 if one is damaged."""
    damaged = 0
    for partition in place.partitions:
        scope = place.scope(partition)
        known = [one.ref for one in stored_snapshots(place.store, scope)]
        for ref in known[:1] if only_newest else known:
            problem = _problem(place, scope, ref)
            damaged += problem is not None
            if as_lines:
                _print_json(
                    partition=partition, offset=ref.offset, digest=ref.digest, problem=problem
                )
            else:
                said = printable(problem or "sound")
                click.echo(f"{partition}\t{ref.offset}\t{ref.short_digest}\t{said}")
    context.exit(1 if damaged else 0)


@click.command("diff")
@click.argument("first")
@click.argument("second", default=NEWEST)
@json_option
@place_options
def diff(place: Place, *, first: str, second: str, as_lines: bool) -> None:
    """Say what differs from one snapshot to another, for each chosen partition."""
    for partition in place.partitions:
        scope = place.scope(partition)
        one, two = (
            load_manifest(place.store, scope, place.find(partition, name))
            for name in (first, second)
        )
        found = compare(one, two, store=place.store)
        facts: dict[str, Any] = {
            "partition": partition,
            "offsets": found.offsets,
            "config": list(found.config),
            "runtime": {name: list(pair) for name, pair in found.runtime.items()},
            "chunks": len(two.chunks),
            "shared_chunks": found.shared_chunks,
            "added": list(found.added),
            "removed": list(found.removed),
            "changed": None if found.changed is None else list(found.changed),
        }
        if as_lines:
            _print_json(**facts)
        else:
            click.echo("\n".join(f"{name:14} {_plain(value)}" for name, value in facts.items()))


def _problem(place: Place, scope: SnapshotScope, ref: ManifestRef) -> str | None:
    try:
        load_image(place.store, load_manifest(place.store, scope, ref))
    except FatalError as error:
        return str(error)
    return None


def _print_json(**facts: Any) -> None:
    click.echo(json.dumps(facts))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        shown = printable(", ".join(map(str, value[:10])))
        return f"{len(value)}" + (f": {shown}" if value else "") + (" …" if value[10:] else "")
    if isinstance(value, dict):
        return printable(" ".join(f"{key}={item}" for key, item in value.items()))
    return "-" if value is None else printable(str(value))
