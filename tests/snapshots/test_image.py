from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots import InvalidSnapshotError, PartitionImage, state_digest
from tests.snapshots.builders import make_image
from tests.snapshots.fuzz import UNHURRIED


def _reordered(image: PartitionImage, order: list[int]) -> PartitionImage:
    return PartitionImage(
        offset=image.offset + 1,
        journal_position=image.journal_position + 1,
        asset_ids=tuple(image.asset_ids[row] for row in order),
        rows=np.asfortranarray(image.rows[order]),
        last_timestamp_ns=image.last_timestamp_ns[order],
        sequence=image.sequence[order],
        dirty=~image.dirty[order],
    )


@UNHURRIED
@given(st.permutations(range(7)))
def test_digest_ignores_row_order_offsets_and_dirty_flags(order: list[int]) -> None:
    image = make_image(7)
    assert state_digest(_reordered(image, order)) == state_digest(image)


@pytest.mark.parametrize("field", ["rows", "last_timestamp_ns", "sequence"])
def test_digest_sees_every_bit_of_every_row(field: str) -> None:
    image = make_image(5)
    for row in range(5):
        array = getattr(image, field).copy()
        array.view(np.int64).reshape(5, -1)[row, -1] ^= 1
        assert state_digest(replace(image, **{field: array})) != state_digest(image)


def test_digest_sees_which_asset_has_which_row() -> None:
    image = make_image(3)
    swapped = replace(
        image, asset_ids=(image.asset_ids[1], image.asset_ids[0], *image.asset_ids[2:])
    )
    renamed = replace(image, asset_ids=(*image.asset_ids[:2], "another"))
    assert len({state_digest(one) for one in (image, swapped, renamed)}) == 3


def test_digest_tells_zeros_and_not_a_numbers_apart() -> None:
    image = make_image(1)
    digests = set()
    for value in (0.0, -0.0, np.nan, -np.nan):
        image.rows[0, 0] = value
        digests.add(state_digest(image))
    assert len(digests) == 4


def test_digest_does_not_depend_on_byte_order() -> None:
    image = make_image(4)
    assert state_digest(replace(image, rows=image.rows.astype(">f8"))) == state_digest(image)


def test_digest_of_no_assets() -> None:
    # SHA-256 of nothing, as published in FIPS 180-4 examples.
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert state_digest(make_image(0)) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": -1},
        {"journal_position": -1},
        {"asset_ids": ("a",)},
        {"rows": np.zeros((3, 2))},
        {"rows": np.zeros(2)},
        {"rows": np.zeros((2, 2), dtype=np.int64)},
        {"last_timestamp_ns": np.zeros(2)},
        {"sequence": np.zeros(3, dtype=np.int64)},
        {"dirty": np.zeros(2, dtype=np.int64)},
    ],
    ids="-".join,
)
def test_inconsistent_images_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSnapshotError):
        replace(make_image(2), **wrong)  # type: ignore[arg-type]  # wrong on purpose
