"""Ticks as columns: whole batches of `Tick` records of the published layout, in numpy.

Body of a record: asset_id (length varint, UTF-8), price (8 bytes), target (branch byte 0 or 2,
then 8 bytes if 2), timestamp_ns (varint up to the end of the record).

Invariant: what is accepted here is accepted by `TickCodec`'s reference path too, with the same
values. What is not accepted here is merely unclear: the reference path decides and explains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.tick_rules import MAX_ASSET_ID_SIZE
from schemas.varint import MAX_SIZE, decode_varints, encode_varints
from schemas.windows import Ragged, equal_ragged, join, lengths, windows

__all__ = [
    "HAS_TARGET",
    "NO_TARGET",
    "PRICE_AND_BRANCH",
    "DecodedTicks",
    "TickBatch",
    "TickColumns",
    "decode_ticks",
    "gather",
]

PRICE_AND_BRANCH = 9
"""Bytes of the price and of the byte that says which branch of target's union follows."""
NO_TARGET, HAS_TARGET = 0, 2
"""That byte: null, or a double."""

_ONE_BYTE_LENGTH = 63
_LARGEST_BODY = 2 + MAX_ASSET_ID_SIZE + 8 + PRICE_AND_BRANCH + MAX_SIZE
# Indexed by an id's size: the two bytes that start with its length varint, and which of them count.
_SIZES = np.arange(MAX_ASSET_ID_SIZE + 1)
_LENGTH = windows(encode_varints(_SIZES).packed.view(np.uint8), "<u2")[::MAX_SIZE]
_LENGTH_KEEP = np.where(_SIZES > _ONE_BYTE_LENGTH, 0xFFFF, 0xFF).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class TickColumns:
    """Accepted ticks of a batch, in input order.

    Attributes:
        index: int64[n], position of each tick in the input lists.
        price: float64[n].
        target: float64[n]; NaN where null.
        timestamp_ns: int64[n], nanoseconds since the Unix epoch.
    """

    index: npt.NDArray[np.int64]
    price: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]
    timestamp_ns: npt.NDArray[np.int64]


class TickBatch(NamedTuple):
    """Keys and framed values of a batch, laid end to end."""

    keys: Ragged
    values: Ragged
    utf8: npt.NDArray[np.bool_]


class DecodedTicks(NamedTuple):
    """Values of every record of a batch [n]; meaningful only where `accepted`."""

    accepted: npt.NDArray[np.bool_]
    price: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]
    timestamp_ns: npt.NDArray[np.int64]


def gather(
    keys: Sequence[bytes | None], values: Sequence[bytes | None], *, header_size: int
) -> TickBatch:
    """Lay a batch out for `decode_ticks`; what cannot be a tick of our layout becomes empty.

    Emptying over-long records bounds the copy at about 300 bytes a record.
    """
    known_keys, key_size = _bounded(keys, MAX_ASSET_ID_SIZE)
    known_values, value_size = _bounded(values, header_size + _LARGEST_BODY)
    # An ASCII separator ends any unfinished UTF-8 sequence: the whole is valid if each key is.
    laid_keys = join(known_keys, key_size, separator=b"\n")
    if _is_utf8(laid_keys.data.tobytes()):
        utf8 = np.ones(len(known_keys), np.bool_)
    else:
        utf8 = np.fromiter(map(_is_utf8, known_keys), np.bool_, len(known_keys))
    return TickBatch(laid_keys, join(known_values, value_size), utf8)


def _bounded(
    pieces: Sequence[bytes | None], limit: int
) -> tuple[Sequence[bytes], npt.NDArray[np.int64]]:
    try:
        size = lengths(pieces)  # type: ignore[arg-type]
        if size.max(initial=0) <= limit:
            return pieces, size  # type: ignore[return-value]
    except TypeError:
        pass  # a null key or a tombstone is among them: rare, so not looked for beforehand
    short = [b"" if piece is None or len(piece) > limit else piece for piece in pieces]
    return short, lengths(short)


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_ticks(
    batch: TickBatch,
    ours: npt.NDArray[np.bool_],
    *,
    header_size: int,
    allow_nonpositive_prices: bool,
) -> DecodedTicks:
    """Decode the records flagged `ours` (bool[n]: their header names a schema of our layout)."""
    keys, values, utf8 = batch
    count = keys.size.size
    length_size = 1 + (keys.size > _ONE_BYTE_LENGTH)
    id_at = header_size + length_size
    shortest = id_at + keys.size + PRICE_AND_BRANCH + 1
    plausible = ours & utf8 & (keys.size > 0) & (values.size >= shortest)
    if plausible.all():
        return _decode_plausible(batch, id_at, header_size, allow_nonpositive_prices)
    rows = np.flatnonzero(plausible)
    some = TickBatch(_rows(keys, rows), _rows(values, rows), utf8)
    part = _decode_plausible(some, id_at[rows], header_size, allow_nonpositive_prices)
    whole = DecodedTicks(
        np.zeros(count, np.bool_), np.empty(count), np.empty(count), np.empty(count, np.int64)
    )
    for column, values_of_rows in zip(whole, part, strict=True):
        column[rows] = values_of_rows
    return whole


def _rows(ragged: Ragged, rows: npt.NDArray[np.int64]) -> Ragged:
    return Ragged(ragged.data, ragged.start[rows], ragged.size[rows])


def _decode_plausible(
    batch: TickBatch,
    id_at: npt.NDArray[np.int64],
    header_size: int,
    allow_nonpositive_prices: bool,
) -> DecodedTicks:
    """Decode records that are long enough for their key, one price and one timestamp byte."""
    keys, (data, start, size), _ = batch
    price_at = start + id_at + keys.size
    branch = data[price_at + 8]
    has_target = branch == HAS_TARGET
    stamp_at = price_at + PRICE_AND_BRANCH + 8 * has_target
    stamp_size = start + size - stamp_at
    fits = np.minimum(np.maximum(stamp_size, 0), MAX_SIZE)
    timestamp_ns, accepted = decode_varints(data, stamp_at, fits)
    doubles = windows(data, "<f8")
    price = doubles[price_at]
    target = doubles[price_at + PRICE_AND_BRANCH]
    target[~has_target] = np.nan
    accepted &= (stamp_size == fits) & (timestamp_ns >= 0)
    accepted &= has_target | (branch == NO_TARGET)
    accepted &= np.isfinite(price) & ~np.isinf(target)
    if not allow_nonpositive_prices:
        accepted &= price > 0.0
    accepted &= _length_matches(data, start + header_size, keys.size)
    accepted &= equal_ragged(keys, data, start + id_at)
    return DecodedTicks(accepted, price, target, timestamp_ns)


def _length_matches(
    data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64], size: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether the varint at `at` is the shortest encoding of `size` (at most two bytes)."""
    differ = windows(data, "<u2")[at] ^ _LENGTH[size]
    return np.asarray((differ & _LENGTH_KEEP[size]) == 0)
