"""Snapshots of another ticks topic of the same name: a deleted one's, or another cluster's."""

from collections.abc import Iterator

from core.errors import TickFleetError
from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.fleet import committed
from snapshots import Manifest, ObjectStore, SnapshotScope, list_snapshots, load_manifest
from workers.brokers.topic_identity import TopicIdentity
from workers.recovery.findings import ANOTHER_TOPIC

__all__ = ["check_strangers"]


def check_strangers(site: Site) -> Iterator[Finding]:
    """What the group has committed is of the topic that there is, and so is all beside it."""
    config, store = site.config, site.store
    if not site.laid_out or store is None:
        yield Finding.skipped("snapshots", "topics or store did not pass")
        return
    topic, topic_id = config.topics.ticks, TopicIdentity(config).ask()
    if topic_id is None:
        yield Finding.skipped("snapshots", f"the brokers do not tell the id of {topic}")
        return
    named = {commit.metadata for commit in committed(config, site.partitions).values()}
    others: dict[str, int] = {}
    for number in site.partitions:
        scope = SnapshotScope(config.group_id, topic, number)
        for digest, manifest in _readable(store, scope):
            if manifest.topic_id is None or not manifest.is_foreign(topic_id):
                continue
            others[manifest.topic_id] = others.get(manifest.topic_id, 0) + 1
            if digest in named:
                message = f"{topic}[{number}]: the committed snapshot is of another {topic}"
                yield Finding.failed("snapshots", message, ANOTHER_TOPIC)
    if not others:
        yield Finding.ok("snapshots", f"none of another {topic} than the one with id {topic_id}")
        return
    told = ", ".join(f"{count} of the one with id {other}" for other, count in others.items())
    yield Finding.warning(
        "snapshots",
        f"beside those of {topic} (id {topic_id}) there are {told}",
        "two clusters with the same names need a snapshot_url each; what a deleted topic has left "
        "stays until somebody deletes it (docs/snapshots.md, another topic)",
    )


def _readable(store: ObjectStore, scope: SnapshotScope) -> Iterator[tuple[str, Manifest]]:
    """The others are told of where a commit names them."""
    for ref in list_snapshots(store, scope):
        try:
            yield ref.digest, load_manifest(store, scope, ref)
        except TickFleetError:
            continue
