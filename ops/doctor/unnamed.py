"""Snapshots of a group that has no commit to name them: its offsets expired or were deleted."""

from collections.abc import Collection, Iterator

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from snapshots import ObjectStore, SnapshotScope, newest_snapshot
from workers.brokers.topic_identity import TopicIdentity
from workers.config import MissingHistory

__all__ = ["check_unnamed"]


def check_unnamed(site: Site, store: ObjectStore, numbers: Collection[int]) -> Iterator[Finding]:
    """Whether the store tells that partitions without a commit have answered ticks.

    Args:
        site: the configuration.
        store: the snapshot store.
        numbers: the partitions without a commit.
    """
    config = site.config
    topic_id = TopicIdentity(config).ask() if numbers else None
    scopes = {one: SnapshotScope(config.group_id, config.topics.ticks, one) for one in numbers}
    newest = {one: newest_snapshot(store, scope, topic_id) for one, scope in scopes.items()}
    found = {one: ref.short_digest for one, ref in newest.items() if ref is not None}
    if not found:
        return
    message = (
        f"{config.topics.ticks}{list(found)}: the store has snapshots of the group, and "
        "the group has no committed offset"
    )
    remedy = (
        "the offsets expired or were deleted, or a copy for this group was not taken up: "
        "for each, `tickfleet snapshot restore --partition N REF` points it at the newest: "
        + ", ".join(f"{number} {ref}" for number, ref in found.items())
    )
    if config.missing_history is MissingHistory.STOP:
        yield Finding.failed("commits", message, remedy)
    else:
        yield Finding.warning("commits", message, f"{remedy}; without it, state begins empty")
