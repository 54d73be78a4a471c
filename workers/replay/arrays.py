"""Arrow arrays over numpy's memory, and numpy's over Arrow's.

pyarrow's own `array` and `to_numpy` import pandas wherever it is installed, which takes a second.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray

__all__ = ["bits", "numbers", "texts", "values"]


def values(column: Any) -> ndarray:
    """The numbers of a `pyarrow.Array` or `ChunkedArray` without empty cells; read-only."""
    if isinstance(column, pa.ChunkedArray):
        return np.concatenate([values(chunk) for chunk in column.chunks])
    return np.from_dlpack(column)


def numbers(found: ndarray) -> Any:
    """Of the type that numpy's has in Arrow; not copied where they are contiguous."""
    found = np.ascontiguousarray(found)
    kind = pa.from_numpy_dtype(found.dtype)
    return pa.Array.from_buffers(kind, found.size, [None, pa.py_buffer(found)])


def bits(found: Bool[ndarray, " n"]) -> Any:
    """A bit each, as Arrow has them."""
    packed = np.packbits(found, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), found.size, [None, pa.py_buffer(packed)])


def texts(found: Sequence[bytes]) -> Any:
    """Strings, of texts in UTF-8."""
    end = np.zeros(len(found) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, found), np.int32, len(found)), out=end[1:])
    buffers = [None, pa.py_buffer(end), pa.py_buffer(b"".join(found))]
    return pa.Array.from_buffers(pa.string(), len(found), buffers)
