from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from snapshots import IntegrityError, pack_array, unpack_array
from tests.snapshots.fuzz import UNHURRIED, VALUES

ARRAYS = hnp.arrays(
    st.sampled_from(["<f8", ">f8", "<f4", "<i8", ">i8"]), hnp.array_shapes(min_side=0, max_dims=3)
)


@UNHURRIED
@given(ARRAYS)
def test_round_trip_is_bit_exact_whatever_the_memory_order(array: NDArray[Any]) -> None:
    packed = pack_array(np.asfortranarray(array))
    read = unpack_array(packed, "x", dtype=array.dtype.name, shape=array.shape)
    assert read.shape == array.shape
    assert read.tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()


GOOD = pack_array(np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    "change",
    [
        {"data": bytes(47)},
        {"data": bytes(49)},
        {"data": bytes(40)},
        {"data": b""},
        {"data": "text"},
        {"data": None},
        {"dtype": "<f4"},
        {"dtype": ">f8"},
        {"dtype": "O"},
        {"dtype": 1},
        {"shape": [3, 2]},
        {"shape": [2, 3, 1]},
        {"shape": [2.0, 3.0]},
        {"shape": [-1, 3]},
        {"shape": [2**62, 3]},
        {"shape": None},
    ],
    ids=str,
)
def test_anything_else_than_expected_is_refused_by_name(change: dict[str, object]) -> None:
    assert unpack_array(GOOD, "A", dtype="float64", shape=(2, 3)).shape == (2, 3)
    with pytest.raises(IntegrityError):
        unpack_array({**GOOD, **change}, "A", dtype="float64", shape=(2, 3))


def test_a_bool_is_no_size() -> None:
    one = pack_array(np.zeros(1))
    with pytest.raises(IntegrityError):
        unpack_array({**one, "shape": [True]}, "A", dtype="float64", shape=(1,))


@UNHURRIED
@given(VALUES)
def test_foreign_values_are_refused(value: object) -> None:
    with pytest.raises(IntegrityError):
        unpack_array(value, "A", dtype="float64", shape=(2, 3))
