"""Chunks: 64 consecutive rows of a partition, the unit that is written, shared and verified.

A chunk holds no clock, no offset and no name of its partition: equal rows give equal bytes, so
the next manifest can name a chunk that is already there.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from snapshots.arrays import pack_array, unpack_array
from snapshots.envelope import TRAILER_BYTES, Sealed, get_field, get_map, seal, unseal
from snapshots.errors import IntegrityError, InvalidSnapshotError
from snapshots.header import SnapshotHeader
from snapshots.image import PartitionImage

__all__ = ["CHUNK_ROWS", "Chunk", "ChunkEntry", "decode_chunk", "encode_chunk", "max_chunk_bytes"]

CHUNK_ROWS = 64
MAX_ASSET_ID_BYTES = 256
_FORMAT = "tickfleet.chunk.1"
_OVERHEAD_BYTES = 8192  # names, shapes and msgpack headers of every block


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """A chunk as its manifest lists it: the name of its content, and its number of rows."""

    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """The decoded rows of one chunk, in the partition's order."""

    asset_ids: tuple[str, ...]
    rows: Float[np.ndarray, "n features"]
    last_timestamp_ns: Int64[np.ndarray, " n"]
    sequence: Int64[np.ndarray, " n"]


def max_chunk_bytes(header: SnapshotHeader, rows: int) -> int:
    """Upper bound of an encoded chunk of `rows` rows: what a reader is willing to load."""
    per_row = header.row_bytes + 16 + MAX_ASSET_ID_BYTES + 8
    return rows * per_row + _OVERHEAD_BYTES + 64 * len(header.blocks) + TRAILER_BYTES


def encode_chunk(image: PartitionImage, header: SnapshotHeader, index: int) -> Sealed:
    """Chunk number `index` of the image. The image's rows must fit the header's layout."""
    part = slice(index * CHUNK_ROWS, (index + 1) * CHUNK_ROWS)
    assets = list(image.asset_ids[part])
    if not all(0 < len(asset.encode()) <= MAX_ASSET_ID_BYTES for asset in assets):
        raise InvalidSnapshotError(f"an asset id of chunk {index} is empty or over 256 bytes")
    return seal(
        {
            "format": _FORMAT,
            "asset_ids": assets,
            "last_timestamp_ns": pack_array(image.last_timestamp_ns[part]),
            "sequence": pack_array(image.sequence[part]),
            "blocks": {
                name: pack_array(image.rows[part, start:stop])
                for name, (start, stop) in header.blocks.items()
            },
        }
    )


def decode_chunk(data: bytes, entry: ChunkEntry, header: SnapshotHeader) -> Chunk:
    """Verify and decode a chunk. Raises `IntegrityError` for anything not written as `entry`."""
    if len(data) > max_chunk_bytes(header, entry.rows):
        raise IntegrityError(f"a chunk of {entry.rows} rows cannot have {len(data)} bytes")
    document = unseal(data, digest=entry.sha256)
    if get_field(document, "format", str) != _FORMAT:
        raise IntegrityError(f"not a {_FORMAT} document")
    count = (entry.rows,)
    return Chunk(
        asset_ids=_asset_ids(document, entry.rows),
        rows=_rows(document, entry.rows, header),
        last_timestamp_ns=unpack_array(
            document.get("last_timestamp_ns"), "last_timestamp_ns", dtype="int64", shape=count
        ),
        sequence=unpack_array(document.get("sequence"), "sequence", dtype="int64", shape=count),
    )


def _asset_ids(document: dict[str, object], rows: int) -> tuple[str, ...]:
    assets = get_field(document, "asset_ids", list)
    if len(assets) != rows or not all(
        type(asset) is str and 0 < len(asset.encode()) <= MAX_ASSET_ID_BYTES for asset in assets
    ):
        raise IntegrityError(f"asset_ids are not {rows} texts of 1 to {MAX_ASSET_ID_BYTES} bytes")
    return tuple(assets)


def _rows(
    document: dict[str, object], rows: int, header: SnapshotHeader
) -> Float[np.ndarray, "n features"]:
    blocks = get_map(document.get("blocks"), "blocks")
    if list(blocks) != list(header.blocks):
        raise IntegrityError(f"blocks are {list(blocks)!s:.80}, expected {list(header.blocks)}")
    views = {
        name: unpack_array(blocks[name], name, dtype=header.dtype, shape=(rows, stop - start))
        for name, (start, stop) in header.blocks.items()
    }
    joined = np.empty((rows, header.features), dtype=header.dtype)
    for name, (start, stop) in header.blocks.items():
        joined[:, start:stop] = views[name]
    return joined
