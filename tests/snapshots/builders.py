"""Images and headers for the tests of this room."""

from dataclasses import replace

import numpy as np

from snapshots import PartitionImage, SnapshotHeader, SnapshotScope

SCOPE = SnapshotScope("group", "ticks", 3)

# An empty block in the middle, as for a kernel that this build has not.
HEADER = SnapshotHeader(
    schema_version="1.0",
    config={"epsilon": 1e-3, "log_sig_depth": 3, "half_lives": (2, 8, 32)},
    fingerprint="0123456789abcdef",
    runtime={"jax": "0.7.0", "dtype": "float64"},
    blocks={"global": (0, 3), "A": (3, 7), "B": (7, 7), "C": (7, 9), "D": (9, 12)},
    dtype="float64",
)


def make_image(
    assets: int, *, offset: int = 100, seed: int = 0, header: SnapshotHeader = HEADER
) -> PartitionImage:
    """Random state of so many assets, every row dirty."""
    random = np.random.default_rng(seed)
    return PartitionImage(
        offset=offset,
        journal_position=offset // 2,
        asset_ids=tuple(f"asset-{row}-é" for row in range(assets)),
        rows=random.normal(size=(assets, header.features)).astype(header.dtype),
        last_timestamp_ns=random.integers(0, 2**62, assets),
        sequence=random.integers(0, 2**40, assets),
        dirty=np.ones(assets, dtype=np.bool_),
        last_decision=(offset % 4, 5),
    )


def advance(
    image: PartitionImage, changed: list[int], *, new_assets: int = 0, seed: int = 1
) -> PartitionImage:
    """The next image: `changed` rows are stepped (and dirty), new assets appended (and dirty)."""
    random = np.random.default_rng([seed, image.offset])
    old = len(image.asset_ids)
    grown = make_image(old + new_assets, offset=image.offset + 10, seed=image.offset + seed)
    grown.rows[:old] = image.rows
    grown.last_timestamp_ns[:old] = image.last_timestamp_ns
    grown.sequence[:old] = image.sequence
    grown.dirty[:old] = False
    for row in changed:
        grown.rows[row] = random.normal(size=image.rows.shape[1])
        grown.sequence[row] += 1
        grown.dirty[row] = True
    return replace(grown, asset_ids=image.asset_ids + grown.asset_ids[old:])


def assert_same_state(actual: PartitionImage, expected: PartitionImage) -> None:
    """Bit for bit, in the same order of rows."""
    assert actual.offset == expected.offset
    assert actual.journal_position == expected.journal_position
    assert actual.last_decision == expected.last_decision
    assert actual.asset_ids == expected.asset_ids
    assert actual.rows.dtype == expected.rows.dtype
    assert actual.rows.tobytes() == expected.rows.tobytes()
    assert actual.last_timestamp_ns.tolist() == expected.last_timestamp_ns.tolist()
    assert actual.sequence.tolist() == expected.sequence.tolist()
    assert not actual.dirty.any()
