"""Whether the journal reaches from each commit to its end: no other topic, none made anew."""

from collections.abc import Mapping

from core.errors import TickFleetError
from ops.doctor.site import Site
from ops.fleet import Commit, JournalStart, gaps_behind
from snapshots import SnapshotScope, load_manifest
from snapshots.manifest import is_foreign
from workers.brokers.topic_identity import TopicIdentity
from workers.delivery.cold_commit import noted_position, noted_topic

__all__ = ["journal_gaps"]


def journal_gaps(site: Site, commits: Mapping[int, Commit]) -> dict[int, str]:
    """What a worker would say of the journal behind each commit; none where it goes on. Blocks.

    Commits whose snapshot cannot be used, or is of another topic, are left out: other checks tell.

    Raises:
        TickFleetError: the brokers do not answer, or a transaction stays open.
    """
    ours = TopicIdentity(site.config).ask() if commits else None
    starts = {number: _start(site, number, commit, ours) for number, commit in commits.items()}
    # After the commits: a journal only grows behind what they name.
    return gaps_behind(
        site.config,
        site.admin,
        {number: start for number, start in starts.items() if start is not None},
    )


def _start(site: Site, number: int, commit: Commit, ours: str | None) -> JournalStart | None:
    position = noted_position(commit.metadata)
    if position is not None:
        theirs = noted_topic(commit.metadata)
        return None if is_foreign(theirs, ours) else JournalStart(position, None)
    if commit.ref is None or site.store is None:
        return None
    scope = SnapshotScope(site.config.group_id, site.config.topics.ticks, number)
    try:
        manifest = load_manifest(site.store, scope, commit.ref)
    except TickFleetError:
        return None
    if manifest.is_foreign(ours):
        return None
    return JournalStart(manifest.journal_position, manifest.offset)
