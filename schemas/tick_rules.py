"""What makes a decoded record a tick, one record at a time, and how a refusal is told.

Invariant: `tick_columns` accepts exactly these values, of records in the published layout.
"""

import math
from dataclasses import dataclass
from typing import Any

from schemas.errors import ErrorClass, UndecodableError

__all__ = ["MAX_ASSET_ID_SIZE", "Rejection", "checked_tick"]

MAX_ASSET_ID_SIZE = 256
"""Longest asset id in bytes: it becomes a Kafka key, a label and part of snapshot chunks."""

_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the record at position `index` of a batch is no tick.

    Attributes:
        index: position in the input lists.
        error_class: one of `ErrorClass`; stable, for counting.
        message: what was wrong and what to do, for a person.
    """

    index: int
    error_class: str
    message: str


def checked_tick(
    key: bytes, record: dict[str, Any], *, allow_nonpositive_prices: bool
) -> tuple[float, float, int]:
    """Price, target (NaN for null) and timestamp of a record that obeys the contract's ranges.

    Raises:
        UndecodableError: with the class of the first rule that the record breaks.
    """
    asset_id = record["asset_id"].encode()
    price = float(record["price"])
    target = math.nan if record["target"] is None else float(record["target"])
    timestamp_ns = int(record["timestamp_ns"])
    if not 0 < len(asset_id) <= MAX_ASSET_ID_SIZE:
        raise UndecodableError(
            ErrorClass.INVALID_ASSET_ID,
            f"asset_id has {len(asset_id)} bytes, allowed are 1 to {MAX_ASSET_ID_SIZE}",
        )
    if asset_id != key:
        raise UndecodableError(
            ErrorClass.KEY_MISMATCH,
            f"asset_id {asset_id[:64]!r} differs from the key {key[:64]!r}: send the asset id in "
            "UTF-8 as key, so that an asset stays in one partition",
        )
    if not math.isfinite(price) or (price <= 0.0 and not allow_nonpositive_prices):
        raise UndecodableError(
            ErrorClass.INVALID_PRICE,
            f"price is {price}: it must be finite and, unless configured otherwise, above 0",
        )
    if math.isinf(target):
        raise UndecodableError(
            ErrorClass.INVALID_TARGET, "target is infinite: send null where there is none"
        )
    if not 0 <= timestamp_ns <= _INT64_MAX:
        raise UndecodableError(
            ErrorClass.INVALID_TIMESTAMP,
            f"timestamp_ns is {timestamp_ns}: send nanoseconds since the Unix epoch",
        )
    return price, target, timestamp_ns
