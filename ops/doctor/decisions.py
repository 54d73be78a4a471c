"""This configuration against the one that the running group decides with."""

import time
from collections.abc import Iterator

from core.errors import TickFleetError
from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.fleet import JournalFollower, committed
from snapshots import SnapshotScope, current_header, load_manifest
from snapshots.header import (
    SnapshotHeader,
    config_differences,
    layout_differences,
    runtime_differences,
)
from workers.journal.foreign import first_foreign

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
        yield Finding.ok("config", f"fingerprint {ours}; the journal has no record of this fleet")
        return
    ahead_s = max(record.processing_time_ns for record in newest.values()) * 1e-9 - time.time()
    if ahead_s > 1.0:
        yield Finding.warning(
            "clock",
            f"a worker decided {ahead_s:.1f} s in this machine's future",
            "run NTP on the workers and here",
        )
    stored = _stored_header(site)
    here = current_header(config.predictor, config.dtype)
    if stored is not None and (other := runtime_differences(stored, here)):
        shown = ", ".join(f"{key} {was} there, {now} here" for key, (was, now) in other.items())
        yield Finding.warning(
            "programs",
            f"the group's snapshots were written with {shown}: bits may differ from the past",
            "let all workers run one image; to compute the past's bits, run the one that wrote it",
        )
    foreign = first_foreign(config, newest.values())
    if foreign is None:
        yield Finding.ok("config", f"fingerprint {ours}, as in the journal")
        return
    differing: tuple[str, ...] = ()
    if stored is not None:
        differing = config_differences(stored, here) + layout_differences(stored, here)
    yield Finding.failed(
        "config",
        f"{foreign.name} {foreign.ours}, the journal has {foreign.theirs}"
        + (f"; differing: {', '.join(differing)}" if differing else ""),
        f"put {foreign.key} back, or move to a new group (docs/upgrades.md)",
    )


def _stored_header(site: Site) -> SnapshotHeader | None:
    """What the first snapshot that can be read says of its writer."""
    config, store = site.config, site.store
    if store is None:
        return None
    for number, commit in committed(config, site.partitions).items():
        if commit.ref is not None:
            scope = SnapshotScope(config.group_id, config.topics.ticks, number)
            try:
                return load_manifest(store, scope, commit.ref).header
            except TickFleetError:
                continue
    return None
