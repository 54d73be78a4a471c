"""Which chunks of an image must be written, given the snapshot before it. Pure.

The one invariant: a chunk is taken over from the base only if every one of its rows is, byte for
byte, what the base's chunk holds. Everything doubtful is written.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from snapshots.chunk import CHUNK_ROWS, ChunkEntry
from snapshots.image import PartitionImage
from snapshots.scope import ManifestRef

__all__ = ["Base", "merge_dirty", "reusable_chunks"]


@dataclass(frozen=True, slots=True)
class Base:
    """The last durable snapshot of a scope. `asset_ids`: its rows' assets, None if not known."""

    ref: ManifestRef
    chunks: tuple[ChunkEntry, ...]
    asset_ids: tuple[str, ...] | None


def merge_dirty(
    undurable: Bool[np.ndarray, " m"], dirty: Bool[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Rows changed since the last durable snapshot: of images that failed, and of this one."""
    merged = dirty.copy()
    common = min(len(undurable), len(dirty))
    merged[:common] |= undurable[:common]
    return merged


def reusable_chunks(
    image: PartitionImage, dirty: Bool[np.ndarray, " n"], base: Base | None
) -> list[ChunkEntry | None]:
    """For every chunk of the image: the base's entry to take over, or None to write it."""
    count = -(-len(image.asset_ids) // CHUNK_ROWS)
    if base is None or sum(chunk.rows for chunk in base.chunks) > len(image.asset_ids):
        # Rows never leave a partition: a smaller image has other rows than the base.
        return [None] * count
    return [_reusable(image, dirty, base, index) for index in range(count)]


def _reusable(
    image: PartitionImage, dirty: Bool[np.ndarray, " n"], base: Base, index: int
) -> ChunkEntry | None:
    part = slice(index * CHUNK_ROWS, (index + 1) * CHUNK_ROWS)
    assets = image.asset_ids[part]
    if index >= len(base.chunks) or base.chunks[index].rows != len(assets) or dirty[part].any():
        return None
    if base.asset_ids is not None and base.asset_ids[part] != assets:
        return None
    return base.chunks[index]
