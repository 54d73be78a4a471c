"""Avro long: zig-zag, then base 128 with the least significant group first, 1 to 10 bytes.

Whole columns at once. A 64-bit word holds the first eight bytes of an encoding; squeezing its
eight 7-bit groups together (or spreading them) takes three shift-and-mask steps, as for bit
interleaving.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.windows import windows

__all__ = ["MAX_SIZE", "Varints", "decode_varints", "encode_varint", "encode_varints"]

MAX_SIZE = 10
_U64 = np.uint64
_LOW_56 = _U64((1 << 56) - 1)


def _byte_table(byte: int, count_of: range) -> npt.NDArray[np.uint64]:
    """For each count, a word whose first `count` bytes (at most 8) are `byte`."""
    return np.array(
        [sum(byte << (8 * i) for i in range(min(count, 8))) for count in count_of], dtype=_U64
    )


# Indexed by the encoding's size 0..10: which bits of the first eight bytes are value bits, which
# are continuation bits, and the same for bytes 8 and 9.
_VALUE_LOW = _byte_table(0x7F, range(11))
_MORE_LOW = _byte_table(0x80, range(-1, 10))
_VALUE_HIGH = np.array([0] * 9 + [0x7F, 0x7F7F], dtype=_U64)
_MORE_HIGH = np.array([0] * 10 + [0x80], dtype=np.uint16)
_MSB_LOW = _byte_table(0x80, range(11))
_MSB_HIGH = np.array([0] * 9 + [0x80, 0x8080], dtype=_U64)
# Indexed by the value's bit length 0..64: bytes of its encoding.
_SIZE = np.array([max(1, -(-bits // 7)) for bits in range(65)], dtype=np.int64)
_PACKED = np.dtype([("low", "<u8"), ("high", "<u2")])


class Varints(NamedTuple):
    """Encoded values: `packed` V10[...], of which the first `size` bytes (int64[...]) count."""

    packed: npt.NDArray[np.void]
    size: npt.NDArray[np.int64]


def decode_varints(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], size: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Decode encodings of known extent.

    Args:
        data: bytes, with at least 10 readable ones at every start.
        start: first byte of each encoding, int64[n].
        size: bytes each must take, in [0, 10], int64[n].

    Returns:
        Values int64[n], and whether each is one encoding of exactly that size that fits 64 bits.
    """
    low = windows(data, "<u8")[start]
    high = windows(data, "<u2")[start + 8].astype(_U64)
    valid = (low & _MSB_LOW[size]) == _MORE_LOW[size]
    valid &= (high & _MSB_HIGH[size]) == _MORE_HIGH[size]
    low &= _VALUE_LOW[size]
    high &= _VALUE_HIGH[size]
    ninth, tenth = high & _U64(0x7F), high >> _U64(8)
    valid &= (tenth <= _U64(1)) & (size > 0)
    zigzag = _squeeze(low) | (ninth << _U64(56)) | (tenth << _U64(63))
    values = (zigzag >> _U64(1)).view(np.int64) ^ -((zigzag & _U64(1)).view(np.int64))
    return values, valid


def encode_varints(values: npt.NDArray[np.int64]) -> Varints:
    """Encode int64 of any shape; several columns in one array cost fewer calls."""
    zigzag = ((values << 1) ^ (values >> 63)).view(_U64)
    size = _SIZE[_bit_length(zigzag)]
    packed = np.empty(values.shape, _PACKED)
    packed["low"] = _spread(zigzag & _LOW_56) | _MORE_LOW[size]
    packed["high"] = (zigzag >> _U64(56) & _U64(0x7F)) | (zigzag >> _U64(63) << _U64(8))
    packed["high"] |= _MORE_HIGH[size]
    return Varints(packed.view("V10"), size)


def _bit_length(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Bits needed for each value, 0 counting as 1.

    The exponent of the value as a double; clearing every bit below a set one first keeps the
    conversion from rounding up to the next power of two.
    """
    x = x & ~(x >> _U64(1)) | _U64(1)
    return (x.astype(np.float64).view(np.int64) >> 52) - 1022


def encode_varint(value: int) -> bytes:
    """Encode one int64."""
    encoded = encode_varints(np.array([value], np.int64))
    return encoded.packed.tobytes()[: int(encoded.size[0])]


def _squeeze(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Close the gap of one bit a byte: eight 7-bit groups become 56 contiguous bits."""
    x = (x & _U64(0x007F007F007F007F)) | ((x & _U64(0x7F007F007F007F00)) >> _U64(1))
    x = (x & _U64(0x00003FFF00003FFF)) | ((x & _U64(0x3FFF00003FFF0000)) >> _U64(2))
    return (x & _U64(0x000000000FFFFFFF)) | ((x & _U64(0x0FFFFFFF00000000)) >> _U64(4))


def _spread(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Inverse of `_squeeze`."""
    x = (x & _U64(0x000000000FFFFFFF)) | ((x & _U64(0x00FFFFFFF0000000)) << _U64(4))
    x = (x & _U64(0x00003FFF00003FFF)) | ((x & _U64(0x0FFFC0000FFFC000)) << _U64(2))
    return (x & _U64(0x007F007F007F007F)) | ((x & _U64(0x3F803F803F803F80)) << _U64(1))
