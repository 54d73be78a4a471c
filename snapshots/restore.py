"""From a committed reference to a state: the snapshot it names, or the newest sound one before.

An unreachable store is never taken for a missing snapshot: `StoreError` ends the search, since
going on would start a partition cold because of a network fault.
"""

from dataclasses import dataclass
from typing import Final

from snapshots.errors import (
    AnotherTopicError,
    IntegrityError,
    NoValidSnapshotError,
    ObjectNotFoundError,
    SnapshotMismatchError,
)
from snapshots.header import (
    SnapshotHeader,
    config_differences,
    layout_differences,
    runtime_differences,
)
from snapshots.image import PartitionImage
from snapshots.load import list_snapshots, load_image, load_manifest
from snapshots.manifest import Manifest
from snapshots.report import RestoreAttempt, RestoreReport
from snapshots.scope import ManifestRef, SnapshotScope
from snapshots.store import ObjectStore

__all__ = ["NOT_IN_THIS_STORE", "Restored", "restore"]

NOT_IN_THIS_STORE: Final = (
    "it was removed, or another worker of the group writes to another snapshot_url: give all of "
    "them the same"
)
"""Of a snapshot that a commit names, and of whose manifest there is nothing."""

_NOT_OURS: Final = (AnotherTopicError, SnapshotMismatchError)


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """A verified state. `ref` and `manifest` name the snapshot used: hand both to
    `SnapshotWriter.adopt`. `report`: what was tried before it."""

    image: PartitionImage
    ref: ManifestRef
    manifest: Manifest
    report: RestoreReport


def restore(
    store: ObjectStore,
    header: SnapshotHeader,
    scope: SnapshotScope,
    ref: ManifestRef | None,
    *,
    topic_id: str | None = None,
    accept_other_config: bool = False,
) -> Restored:
    """The state that `ref` names, or of its newest usable ancestor.

    A damaged or missing snapshot leads to its parent; where no parent is known (the manifest
    itself cannot be read) to the newest stored manifest of a smaller offset. `header` is this
    program's. `topic_id` is the ticks topic's, None if it does not matter. `accept_other_config`
    branches from a snapshot of other parameters but the same layout. Blocks until everything is
    read.

    Raises `NoValidSnapshotError` (its report says why) when `ref` is None or nothing is usable,
    `SnapshotMismatchError` when `ref` is sound but of another configuration or layout,
    `AnotherTopicError` when it is of another topic,
    `StoreError` and `StoreAccessError` when the store fails: then nothing is known, try again.
    """
    attempts: list[RestoreAttempt] = []
    candidate = ref
    while candidate is not None:
        manifest: Manifest | None = None
        try:
            manifest = load_manifest(store, scope, candidate)
            _check_topic(manifest, candidate, topic_id)
            _check(manifest.header, header, candidate, accept_other_config=accept_other_config)
            image = load_image(store, manifest)
        except (*_NOT_OURS, IntegrityError, ObjectNotFoundError) as error:
            if isinstance(error, _NOT_OURS) and not attempts:
                raise
            nothing = isinstance(error, ObjectNotFoundError) and manifest is None and not attempts
            reason = f"{error}: {NOT_IN_THIS_STORE}" if nothing else str(error)
            attempts.append(RestoreAttempt(candidate, reason))
            parent = _parent(manifest, topic_id)
            candidate = parent or _newest_before(store, scope, candidate)
            continue
        attempts.append(RestoreAttempt(candidate, None))
        differences = runtime_differences(manifest.header, header)
        return Restored(image, candidate, manifest, RestoreReport(tuple(attempts), differences))
    report = RestoreReport(tuple(attempts))
    raise NoValidSnapshotError(
        f"no usable snapshot of {scope.group}/{scope.topic}/{scope.partition} "
        f"({report.describe()}): start the partition cold or repair the store",
        report,
    )


def _check(
    stored: SnapshotHeader,
    current: SnapshotHeader,
    ref: ManifestRef,
    *,
    accept_other_config: bool,
) -> None:
    """Raise `SnapshotMismatchError` unless the stored rows are a state of this program."""
    layout = layout_differences(stored, current)
    config = () if accept_other_config else config_differences(stored, current)
    if layout or config:
        names = config + layout
        raise SnapshotMismatchError(
            f"snapshot {ref.name} was written with another "
            f"{', '.join(names)}: start with that configuration, or under a new group id to "
            "build the state anew",
            names,
        )


def _parent(manifest: Manifest | None, topic_id: str | None) -> ManifestRef | None:
    """Where to look next; of what is of another topic the parents are, too."""
    return None if manifest is None or manifest.is_foreign(topic_id) else manifest.parent


def _check_topic(manifest: Manifest, ref: ManifestRef, topic_id: str | None) -> None:
    if manifest.topic_id is not None and manifest.is_foreign(topic_id):
        raise AnotherTopicError(
            f"snapshot {ref.name} is of another topic {manifest.scope.topic} "
            f"(its id was {manifest.topic_id}, now it is {topic_id})",
            manifest.topic_id,
            manifest.journal_position,
        )


def _newest_before(
    store: ObjectStore, scope: SnapshotScope, ref: ManifestRef
) -> ManifestRef | None:
    older = (known for known in list_snapshots(store, scope) if known.offset < ref.offset)
    return next(older, None)
