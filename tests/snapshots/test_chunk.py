import hashlib
from dataclasses import replace

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots import IntegrityError, InvalidSnapshotError
from snapshots.chunk import ChunkEntry, decode_chunk, encode_chunk, max_chunk_bytes
from tests.snapshots.builders import HEADER, make_image
from tests.snapshots.fuzz import UNHURRIED, damaged, resealed

SMALL = encode_chunk(make_image(3), HEADER, 0)
SMALL_ENTRY = ChunkEntry(SMALL.digest, 3)
GOLDEN = "08ec126ca6f175061b80f049e9d174aca4c003e242c0cf989a06dd0730c19f74"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("assets", "index", "rows"), [(1, 0, 1), (64, 0, 64), (130, 1, 64), (130, 2, 2)]
)
def test_round_trip_is_bit_exact(dtype: str, assets: int, index: int, rows: int) -> None:
    header = replace(HEADER, dtype=dtype)
    image = make_image(assets, header=header)
    image.rows[::3, 1] = np.nan
    image.rows[::2, 2] = -0.0
    sealed = encode_chunk(image, header, index)
    chunk = decode_chunk(sealed.data, ChunkEntry(sealed.digest, rows), header)
    part = slice(index * 64, index * 64 + rows)
    assert chunk.asset_ids == image.asset_ids[part]
    assert chunk.rows.tobytes() == image.rows[part].tobytes()
    assert chunk.rows.dtype == dtype
    assert chunk.last_timestamp_ns.tolist() == image.last_timestamp_ns[part].tolist()
    assert chunk.sequence.tolist() == image.sequence[part].tolist()


def test_layout_is_readable_without_this_code() -> None:
    image = make_image(3)
    document = msgpack.unpackb(SMALL.data[:-64])
    assert document["asset_ids"] == list(image.asset_ids)
    block = document["blocks"]["A"]
    assert (block["dtype"], block["shape"]) == ("<f8", [3, 4])
    read = np.frombuffer(block["data"], dtype="<f8").reshape(3, 4)
    assert read.tolist() == image.rows[:, 3:7].tolist()
    assert np.frombuffer(document["sequence"]["data"], "<i8").tolist() == image.sequence.tolist()


def test_bytes_depend_on_the_rows_alone() -> None:
    image = make_image(3)
    other = replace(
        image,
        offset=image.offset + 1,
        journal_position=0,
        rows=np.asfortranarray(image.rows.astype(">f8")),
        dirty=~image.dirty,
    )
    assert encode_chunk(other, HEADER, 0) == SMALL
    renamed = replace(HEADER, runtime={}, fingerprint="", config={}, schema_version="9")
    assert encode_chunk(image, renamed, 0) == SMALL


def test_bytes_are_the_same_in_every_release() -> None:
    """A golden hash: a change of the format must be a decision (and a new format number)."""
    zeros = replace(
        make_image(2),
        asset_ids=("a", "b"),
        rows=np.zeros((2, 12)),
        last_timestamp_ns=np.array([1, 2]),
        sequence=np.array([3, 4]),
    )
    assert encode_chunk(zeros, HEADER, 0).digest == GOLDEN


@UNHURRIED
@given(damaged(SMALL.data))
def test_damage_is_always_an_integrity_error(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_chunk(data, SMALL_ENTRY, HEADER)


@UNHURRIED
@given(resealed(SMALL.data))
def test_resealed_damage_decodes_to_the_right_shapes_or_is_an_integrity_error(data: bytes) -> None:
    entry = ChunkEntry(hashlib.sha256(data[:-64]).hexdigest(), 3)
    try:
        chunk = decode_chunk(data, entry, HEADER)
    except IntegrityError:
        return
    assert chunk.rows.shape == (3, 12)
    assert chunk.rows.dtype == np.float64
    assert len(chunk.asset_ids) == len(chunk.sequence) == len(chunk.last_timestamp_ns) == 3


@UNHURRIED
@given(st.binary(max_size=300))
def test_random_bytes_are_an_integrity_error(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_chunk(data, SMALL_ENTRY, HEADER)


def test_another_layout_or_row_count_is_refused() -> None:
    for header in (
        replace(HEADER, dtype="float32"),
        replace(HEADER, blocks={"global": (0, 12)}),
        replace(HEADER, blocks={**HEADER.blocks, "E": (12, 13)}),
    ):
        with pytest.raises(IntegrityError):
            decode_chunk(SMALL.data, SMALL_ENTRY, header)
    with pytest.raises(IntegrityError):
        decode_chunk(SMALL.data, ChunkEntry(SMALL.digest, 4), HEADER)


def test_the_size_bound_holds_for_the_largest_chunk_and_refuses_larger() -> None:
    longest = tuple(f"{row:03d}" + "x" * 253 for row in range(64))
    sealed = encode_chunk(replace(make_image(64), asset_ids=longest), HEADER, 0)
    assert len(sealed.data) <= max_chunk_bytes(HEADER, 64)
    with pytest.raises(IntegrityError, match="cannot have"):
        decode_chunk(bytes(max_chunk_bytes(HEADER, 64) + 1), ChunkEntry(sealed.digest, 64), HEADER)


@pytest.mark.parametrize("asset", ["", "x" * 257, "é" * 129])
def test_asset_ids_that_cannot_be_stored_are_refused(asset: str) -> None:
    with pytest.raises(InvalidSnapshotError):
        encode_chunk(replace(make_image(1), asset_ids=(asset,)), HEADER, 0)
