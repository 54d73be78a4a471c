"""What differs between two snapshots, as far as an operator wants to know."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snapshots.header import config_differences, layout_differences, runtime_differences
from snapshots.load import load_image
from snapshots.manifest import Manifest
from snapshots.store import ObjectStore

__all__ = ["SnapshotDifference", "compare"]


@dataclass(frozen=True, slots=True)
class SnapshotDifference:
    """From the first snapshot to the second.

    Attributes:
        offsets: input records between them; negative when the second is older.
        config: names of configuration and layout entries that differ.
        runtime: entry -> (first, second).
        shared_chunks: chunks that both list.
        added, removed: assets that only the second, only the first has.
        changed: assets of both whose state differs; None where the layouts differ.
    """

    offsets: int
    config: tuple[str, ...]
    runtime: Mapping[str, tuple[str | None, str | None]]
    shared_chunks: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...] | None


def compare(
    first: Manifest, second: Manifest, *, store: ObjectStore, other: ObjectStore | None = None
) -> SnapshotDifference:
    """Compare two snapshots; blocks while both are read.

    Args:
        first: one snapshot.
        second: the other.
        store: holds the first, and the second too unless `other` does.
        other: holds the second.

    Raises:
        IntegrityError, ObjectNotFoundError: one of them cannot be read.
    """
    one, two = load_image(store, first), load_image(other or store, second)
    rows_of = {asset: row for row, asset in enumerate(one.asset_ids)}
    layout = layout_differences(first.header, second.header)
    changed = None
    if not layout:
        changed = tuple(
            asset
            for row, asset in enumerate(two.asset_ids)
            if (old := rows_of.get(asset)) is not None
            and not (
                one.sequence[old] == two.sequence[row]
                and np.array_equal(one.rows[old], two.rows[row], equal_nan=True)
            )
        )
    return SnapshotDifference(
        offsets=second.offset - first.offset,
        config=config_differences(first.header, second.header) + layout,
        runtime=runtime_differences(first.header, second.header),
        shared_chunks=len(set(first.chunks) & set(second.chunks)),
        added=tuple(asset for asset in two.asset_ids if asset not in rows_of),
        removed=tuple(sorted(set(one.asset_ids) - set(two.asset_ids))),
        changed=changed,
    )
