"""Batches of byte strings laid end to end, read and written through overlapping windows.

A window array has one element for every byte position: element `i` is the value whose first
byte is at `i`. It shares memory with the buffer, so one fancy index gathers or scatters a
fixed-size value at any unaligned position of every record.

Writers may scatter a fixed-size value whose tail is filler, as long as whatever the filler
covers is written later.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "PADDING",
    "Ragged",
    "copy_ragged",
    "equal_ragged",
    "join",
    "lengths",
    "split",
    "starts_with",
    "windows",
]

PADDING = 24
"""Bytes kept after the last record, so that every window at or before its end exists."""

_WORD = 8
# Masks that keep the first 0..8 bytes of a little-endian word.
_KEEP = np.array([(1 << (8 * size)) - 1 for size in range(_WORD + 1)], dtype=np.uint64)


class Ragged(NamedTuple):
    """Byte strings end to end: `data` u8 with PADDING after them, `start` and `size` int64[n]."""

    data: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]


def lengths(pieces: Sequence[bytes | str]) -> npt.NDArray[np.int64]:
    """Length of every piece, int64[n]; TypeError when one is None."""
    return np.fromiter(map(len, pieces), np.int64, len(pieces))


def join(pieces: Sequence[bytes], size: npt.NDArray[np.int64], separator: bytes = b"") -> Ragged:
    """Lay `pieces`, whose lengths are `size`, end to end with `separator` after each."""
    data = np.frombuffer(separator.join((*pieces, bytes(PADDING))), np.uint8)
    end = np.cumsum(size + len(separator))
    return Ragged(data, end - size - len(separator), size)


def split(data: bytes, end: npt.NDArray[np.int64]) -> list[bytes]:
    """Cut `data` at the ends of its records."""
    ends = end.tolist()
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def windows(data: npt.NDArray[np.uint8], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """View of `data` with one (unaligned, overlapping) element a byte position."""
    kind = np.dtype(dtype)
    count = max(data.size - kind.itemsize + 1, 0)
    return np.ndarray((count,), kind, buffer=data.data, strides=(1,))


def copy_ragged(source: Ragged, out: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> None:
    """Copy every piece of `source` to position `at` of `out`; up to 7 bytes of filler follow."""
    read, write = windows(source.data, "<u8"), windows(out, "<u8")
    for skip in range(0, int(source.size.max(initial=0)), _WORD):
        rows = np.flatnonzero(source.size > skip)
        write[at[rows] + skip] = read[source.start[rows] + skip]


def equal_ragged(
    left: Ragged, data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether each piece of `left` stands at position `at` of `data`, bool[n]."""
    ours, theirs = windows(left.data, "<u8"), windows(data, "<u8")
    same = np.ones(left.size.size, np.bool_)
    for skip in range(0, int(left.size.max(initial=0)), _WORD):
        rows = np.flatnonzero(left.size > skip)
        keep = _KEEP[np.minimum(left.size[rows] - skip, _WORD)]
        differ = ours[left.start[rows] + skip] ^ theirs[at[rows] + skip]
        same[rows] &= (differ & keep) == 0
    return same


def starts_with(
    data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64], prefix: bytes
) -> npt.NDArray[np.bool_]:
    """Whether `prefix`, of 4 to 16 bytes, stands at each position `at` of `data`, bool[n].

    Two words that may overlap: comparing numpy's void values is several times slower.
    """
    word = np.dtype("<u8" if len(prefix) >= _WORD else "<u4")
    words, skip = windows(data, word), len(prefix) - word.itemsize
    first, last = np.frombuffer(prefix, word, 1), np.frombuffer(prefix, word, 1, skip)
    return np.asarray((words[at] == first) & (words[at + skip] == last))
