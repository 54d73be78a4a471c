"""This configuration against the one that the running group decides with."""

import time
from collections.abc import Iterator

from core.errors import TickFleetError
from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.fleet import JournalFollower, committed
from snapshots import SnapshotScope, current_header, load_manifest
from snapshots.header import config_differences, layout_differences

__all__ = ["check_config"]


def check_config(site: Site) -> Iterator[Finding]:
    """This configuration against the one that the group's journal and snapshots were made with."""
    config = site.config
    if not site.laid_out:
        yield Finding.skipped("config", "not all topics exist")
        return
    ours = config.predictor.fingerprint()
    with JournalFollower(config, site.partitions) as follower:
        newest = follower.poll(0.1)
    if not newest:
        yield Finding.ok("config", f"fingerprint {ours}; the journal is empty")
        return
    theirs = {record.config_fingerprint for record in newest.values()}
    ahead_s = max(record.processing_time_ns for record in newest.values()) * 1e-9 - time.time()
    if ahead_s > 1.0:
        yield Finding.warning(
            "clock",
            f"a worker decided {ahead_s:.1f} s in this machine's future",
            "run NTP on the workers and here",
        )
    if theirs == {ours}:
        yield Finding.ok("config", f"fingerprint {ours}, as in the journal")
        return
    differing = _differing_keys(site)
    yield Finding.failed(
        "config",
        f"fingerprint {ours}, the journal has {', '.join(sorted(theirs))}"
        + (f"; differing: {', '.join(differing)}" if differing else ""),
        "put these [predictor] keys back, or move to a new group (docs/upgrades.md)",
    )


def _differing_keys(site: Site) -> tuple[str, ...]:
    """Names of the settings that differ from those of the first snapshot that can be read."""
    config, store = site.config, site.store
    if store is None:
        return ()
    ours = current_header(config.predictor, config.dtype)
    for number, commit in committed(config, site.partitions).items():
        if commit.ref is not None:
            scope = SnapshotScope(config.group_id, config.topics.ticks, number)
            try:
                theirs = load_manifest(store, scope, commit.ref).header
            except TickFleetError:
                continue
            return config_differences(theirs, ours) + layout_differences(theirs, ours)
    return ()
