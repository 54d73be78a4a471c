from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snapshots import ManifestRef
from snapshots.chunk import ChunkEntry
from snapshots.plan import Base, merge_dirty, reusable_chunks
from tests.snapshots.builders import make_image
from tests.snapshots.fuzz import UNHURRIED


def _base(rows: int, *, known_assets: bool = True) -> Base:
    image = make_image(rows)
    chunks = tuple(
        ChunkEntry(f"{start:064x}", min(64, rows - start)) for start in range(0, rows, 64)
    )
    return Base(ManifestRef(1, "0" * 64), chunks, image.asset_ids if known_assets else None)


@UNHURRIED
@given(
    st.integers(0, 200), st.integers(0, 80), st.sets(st.integers(0, 279), max_size=4), st.booleans()
)
def test_a_chunk_is_reused_if_and_only_if_all_its_rows_are_the_bases(
    old: int, new: int, changed: set[int], known_assets: bool
) -> None:
    image = make_image(old + new)
    dirty = np.zeros(old + new, dtype=np.bool_)
    dirty[[row for row in changed if row < old + new]] = True
    plan = reusable_chunks(image, dirty, _base(old, known_assets=known_assets))
    assert len(plan) == -(-(old + new) // 64)
    for index, entry in enumerate(plan):
        rows = set(range(index * 64, min(old + new, index * 64 + 64)))
        unchanged = max(rows) < old and not rows & changed
        # A last chunk that was not full and has grown is no chunk of the base.
        assert (entry is not None) == unchanged
        assert entry is None or entry.sha256 == f"{index * 64:064x}"


def test_without_a_base_or_with_a_larger_one_everything_is_written() -> None:
    image, clean = make_image(100), np.zeros(100, dtype=np.bool_)
    assert reusable_chunks(image, clean, None) == [None, None]
    assert reusable_chunks(image, clean, _base(101)) == [None, None]


def test_rows_that_changed_their_asset_are_written_though_not_dirty() -> None:
    image = make_image(130)
    moved = replace(image, asset_ids=(*image.asset_ids[:70], "other", *image.asset_ids[71:]))
    plan = reusable_chunks(moved, np.zeros(130, dtype=np.bool_), _base(130))
    assert [entry is None for entry in plan] == [False, True, False]


def test_merge_dirty_forgets_no_row_and_leaves_its_inputs_alone() -> None:
    undurable, dirty = np.array([True, False]), np.array([False, False, True])
    assert merge_dirty(undurable, dirty).tolist() == [True, False, True]
    assert merge_dirty(dirty, undurable).tolist() == [True, False]
    assert dirty.tolist() == [False, False, True]
