"""Ticks from columns to bytes: the inverse of `tick_columns`, for producers and tests."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.tick_columns import HAS_TARGET, NO_TARGET, PRICE_AND_BRANCH
from schemas.varint import encode_varints
from schemas.windows import PADDING, copy_ragged, join, lengths, split, windows

__all__ = ["encode_ticks"]

_PRICE_BRANCH = np.dtype([("price", "<f8"), ("branch", "u1")])


def encode_ticks(
    header: bytes,
    asset_ids: Sequence[bytes],
    price: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    timestamp_ns: npt.NDArray[np.int64],
) -> list[bytes]:
    """Encode a batch, byte for byte as fastavro does; NaN targets are written as null.

    Parts with filler behind them (timestamp, then id length, then id) go first: the parts that
    follow cover the filler.
    """
    ids = join(asset_ids, lengths(asset_ids))
    id_size, stamp = encode_varints(ids.size), encode_varints(timestamp_ns)
    has_target = ~np.isnan(target)
    id_at = len(header) + id_size.size
    price_at = id_at + ids.size
    stamp_at = price_at + PRICE_AND_BRANCH + 8 * has_target
    end = np.cumsum(stamp_at + stamp.size)
    start = end - (stamp_at + stamp.size)
    out = np.empty(int(end[-1]) + PADDING if end.size else PADDING, np.uint8)
    price_branch = np.empty(price.size, _PRICE_BRANCH)
    price_branch["price"] = price
    price_branch["branch"] = np.where(has_target, HAS_TARGET, NO_TARGET)
    any_ten, any_nine = windows(out, "V10"), windows(out, "V9")
    any_ten[start + stamp_at] = stamp.packed
    any_ten[start + len(header)] = id_size.packed
    windows(out, f"V{len(header)}")[start] = np.void(header)
    copy_ragged(ids, out, start + id_at)
    any_nine[start + price_at] = price_branch.view("V9")
    windows(out, "<f8")[(start + price_at + PRICE_AND_BRANCH)[has_target]] = target[has_target]
    return split(out.tobytes(), end)
