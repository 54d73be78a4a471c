"""Arrays as (dtype, shape, little-endian bytes): readable in any language, no pickle.

The reader knows what it expects. It compares dtype, shape and length first and allocates after,
so a damaged document cannot make it allocate what it claims.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshots.envelope import get_field, get_map
from snapshots.errors import IntegrityError

__all__ = ["pack_array", "unpack_array"]


def pack_array(array: NDArray[Any]) -> dict[str, object]:
    """Plain data for `array` (numbers of fixed size, any memory order or byte order)."""
    little = array.dtype.newbyteorder("<")
    return {
        "dtype": little.str,
        "shape": list(array.shape),
        "data": np.ascontiguousarray(array, dtype=little).tobytes(),
    }


def unpack_array(
    value: object, name: str, *, dtype: str, shape: tuple[int, ...]
) -> NDArray[np.generic]:
    """A read-only view of a packed array that must have this dtype and shape.

    Raises `IntegrityError` naming the array when it has not.
    """
    packed = get_map(value, name)
    expected = np.dtype(dtype).newbyteorder("<")
    found = (get_field(packed, "dtype", str), get_field(packed, "shape", list))
    if found != (expected.str, list(shape)) or any(type(size) is not int for size in found[1]):
        raise IntegrityError(f"{name} is {found[0]:.16} {found[1]!s:.64}, expected {dtype} {shape}")
    data = get_field(packed, "data", bytes)
    if len(data) != math.prod(shape) * expected.itemsize:
        raise IntegrityError(f"{name} holds {len(data)} bytes for {dtype} {shape}")
    return np.frombuffer(data, dtype=expected).reshape(shape)
