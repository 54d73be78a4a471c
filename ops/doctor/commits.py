"""Whether recovery would find what it needs: the snapshots that the commits name."""

import math
import time
from collections.abc import Iterator
from typing import Final

from core.errors import TickFleetError
from ops.doctor.finding import Finding, Status
from ops.doctor.site import Site
from ops.doctor.unnamed import check_unnamed
from ops.fleet import Commit, begins, committed, ends, stored_snapshots, without_records
from snapshots import (
    ObjectNotFoundError,
    ObjectStore,
    SnapshotScope,
    load_manifest,
    missing_chunks,
)
from snapshots.restore import NOT_IN_THIS_STORE

__all__ = ["check_commits"]

_OLD_AFTER_INTERVALS: Final = 6


def check_commits(site: Site) -> Iterator[Finding]:
    """Each partition: the snapshot its commit names is there, young, and not out of retention."""
    config, store = site.config, site.store
    if not site.laid_out or store is None:
        yield Finding.skipped("commits", "topics or store did not pass")
        return
    topic, timeout_s = config.topics.ticks, config.client_timeout_s
    commits = committed(config, site.partitions)
    low = begins(site.admin, topic, site.partitions, timeout_s)
    high = ends(site.admin, topic, site.partitions, timeout_s)
    unnamed = list(check_unnamed(site, store, sorted(set(site.partitions) - commits.keys())))
    yield from unnamed
    if not commits:
        if unnamed:
            return
        yield Finding.ok("commits", f"none yet: a new group begins at the {config.cold_start}")
        return
    behind = {number: range(commit.offset, high[number]) for number, commit in commits.items()}
    caught_up = without_records(config, topic, behind)
    sound = idle = 0
    for number, commit in sorted(commits.items()):
        end = commit.offset if number in caught_up else high[number]
        retained = range(low[number], end)
        if commit.ref is None and commit.offset == end:
            idle += 1
            continue
        problem = list(_partition(site, store, number, commit, retained))
        yield from problem
        sound += commit.ref is not None and not any(one.status is Status.FAILED for one in problem)
    if sound + idle < len(commits):
        return  # each of the others has a line of its own
    message = f"{sound} of {len(commits)} partitions name a usable snapshot"
    yield Finding.ok("commits", f"{message}, {idle} have had no ticks" if idle else message)


def _partition(
    site: Site, store: ObjectStore, number: int, commit: Commit, retained: range
) -> Iterator[Finding]:
    low, high = retained.start, retained.stop
    place = f"{site.config.topics.ticks}[{number}]"
    if commit.offset > high:
        yield Finding.failed(
            "commits",
            f"{place}: committed {commit.offset}, but the topic ends at {high}: it was recreated",
            "restore the topic, or start a new group with a new journal topic (docs/upgrades.md)",
        )
        return
    if commit.offset < low:
        yield Finding.failed(
            "commits",
            f"{place}: retention has passed the committed {commit.offset}; it begins at {low}",
            'raise its retention.ms; to go on with a gap set missing_history = "cold_start"',
        )
        return
    if commit.ref is None:
        yield Finding.warning(
            "commits", f"{place}: no snapshot yet", "none is needed while the topic keeps its past"
        )
        return
    scope = SnapshotScope(site.config.group_id, site.config.topics.ticks, number)
    try:
        manifest = load_manifest(store, scope, commit.ref)
        missing = missing_chunks(store, manifest)
    except ObjectNotFoundError as error:
        yield Finding.failed(
            "snapshots",
            f"{place}: {error}",
            f"{NOT_IN_THIS_STORE}; `tickfleet snapshot verify` tells what is here",
        )
        return
    except TickFleetError as error:
        yield Finding.failed(
            "snapshots",
            f"{place}: {error}",
            "see what is left with `tickfleet snapshot verify`; recovery falls back to a parent",
        )
        return
    if missing:
        yield Finding.failed(
            "snapshots",
            f"{place}: {missing} of the {len(manifest.chunks)} chunks of its snapshot are gone",
            "keep life-cycle rules and people off the prefix; workers that go on mend it within "
            "ten snapshots (docs/snapshots.md)",
        )
        return
    # A store's list may be behind what it gives by name.
    stored = {one.ref: one.modified_s for one in stored_snapshots(store, scope)}
    age_s = time.time() - stored.get(commit.ref, math.inf)
    allowed_s = _OLD_AFTER_INTERVALS * site.config.snapshot_interval_s
    if age_s > allowed_s and commit.offset < high:
        yield Finding.warning(
            "snapshots",
            f"{place}: the snapshot is {age_s:.0f} s old and {high - commit.offset} records behind",
            "start workers; where they run, look in their logs for snapshot_failed, for "
            "partition_stopped, and for outputs_uncertain: it is their commits that fail then",
        )
