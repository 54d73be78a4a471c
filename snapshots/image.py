"""The host copy of a partition's state that travels between the worker and the store."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from snapshots.errors import InvalidSnapshotError
from snapshots.scope import MAX_INT64

__all__ = ["PartitionImage", "state_digest"]


@dataclass(frozen=True, slots=True, eq=False)
class PartitionImage:
    """State of one partition after every tick before `offset`.

    Rows keep the partition's order of first appearance: a row never moves, new assets are
    appended. Whoever builds an image gives its arrays away and writes to them no more.

    `offset`: next input offset. `journal_position`: journal offset to read decisions from.
    `asset_ids`: one per row. `rows`: the predictor's state, one asset a row.
    `last_timestamp_ns`, `sequence`: last accepted tick's own time and number of ticks, per row.
    `dirty`: the row changed since the previous image of this scope.
    `last_decision`: signature depth and kernel mask of the newest tick in the state; None before
    any. The journal's records of it may lie before `journal_position`.
    `topic_id`: which topic of its name the ticks were in; None where that is not known.
    """

    offset: int
    journal_position: int
    asset_ids: tuple[str, ...]
    rows: Float[np.ndarray, "n features"]
    last_timestamp_ns: Int64[np.ndarray, " n"]
    sequence: Int64[np.ndarray, " n"]
    dirty: Bool[np.ndarray, " n"]
    last_decision: tuple[int, int] | None = None
    topic_id: str | None = None

    def __post_init__(self) -> None:
        """Constant-time checks: the hot path builds these. Raises `InvalidSnapshotError`."""
        n = len(self.asset_ids)
        expected = (n,)
        sound = (
            0 <= self.offset <= MAX_INT64
            and 0 <= self.journal_position <= MAX_INT64
            and self.rows.ndim == 2
            and self.rows.shape[0] == n
            and self.rows.dtype.kind == "f"
            and self.last_timestamp_ns.shape == self.sequence.shape == self.dirty.shape == expected
            and self.last_timestamp_ns.dtype == self.sequence.dtype == np.int64
            and self.dirty.dtype == np.bool_
        )
        if not sound:
            raise InvalidSnapshotError(
                f"inconsistent image at offset {self.offset}: {n} assets, rows {self.rows.shape} "
                f"{self.rows.dtype}, last_timestamp_ns {self.last_timestamp_ns.shape}, sequence "
                f"{self.sequence.shape}, dirty {self.dirty.shape}"
            )


def state_digest(image: PartitionImage) -> str:
    """SHA-256 of the state of every asset, independent of the order of rows.

    Covers, by asset id in byte order: id, row bytes (little-endian), last timestamp, sequence.
    Offsets and dirty flags are left out: two workers that saw the same ticks agree.
    """
    rows = np.ascontiguousarray(image.rows, dtype=image.rows.dtype.newbyteorder("<"))
    names = [asset.encode() for asset in image.asset_ids]
    digest = hashlib.sha256()
    for row in sorted(range(len(names)), key=names.__getitem__):
        # Lengths first, so that no two states concatenate to the same bytes.
        digest.update(len(names[row]).to_bytes(4, "little") + names[row])
        digest.update(rows[row].nbytes.to_bytes(8, "little") + rows[row].tobytes())
        digest.update(int(image.last_timestamp_ns[row]).to_bytes(8, "little", signed=True))
        digest.update(int(image.sequence[row]).to_bytes(8, "little", signed=True))
    return digest.hexdigest()
