"""Which records are ticks: what was said when they were answered, else what the codec says now.

The codec's word depends on more than the bytes: on what the schema registry knows, and on which
prices are allowed. So it is taken once, when a record is answered, and journaled.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Int64, UInt8
from numpy import ndarray

from schemas import Rejection, TickCodec, TickColumns
from workers.batching.records import RecordBatch
from workers.errors import UnrepeatableError

__all__ = ["UnreadableTickError", "Verdict", "Verdicts", "read_ticks", "undecided"]

_REJECTED: Final = "AsRecorded", "live rejected it: its dead letter has the reason"


class Verdict(IntEnum):
    """What the journal says of a record."""

    OPEN = 0
    ACCEPTED = 1
    REJECTED = 2


Verdicts: TypeAlias = UInt8[ndarray, " records"]
"""One `Verdict` a record."""


class UnreadableTickError(UnrepeatableError):
    """A record was answered as a tick, and the codec can no longer read it as one."""

    def __init__(self, partition: int, offset: int, reason: str) -> None:
        super().__init__(
            f"the record was answered, and is no tick any more ({reason})",
            "Put its schema back into the registry under the same id, or run the release that knew "
            "it, and start again",
            partition=partition,
            offset=offset,
        )


def undecided(records: RecordBatch) -> Verdicts:
    """Open for all."""
    return np.full(len(records), Verdict.OPEN, dtype=np.uint8)


def read_ticks(
    codec: TickCodec, records: RecordBatch, verdicts: Verdicts
) -> tuple[TickColumns, list[Rejection]]:
    """Every record as a tick or as a rejection, in input order.

    Raises:
        UnreadableTickError: the codec has nothing to offer for one that was accepted.
        RegistryUnavailableError, RegistryRefusedError: as `TickCodec.decode`.
    """
    ticks, rejections = codec.decode(records.keys, records.values)
    if not verdicts.any():
        return ticks, rejections
    accepted = [r.index for r in rejections if verdicts[r.index] == Verdict.ACCEPTED]
    if accepted:
        ticks = _joined(ticks, _read_again(codec, records, accepted))
        rejections = [r for r in rejections if verdicts[r.index] != Verdict.ACCEPTED]
    rejected = verdicts[ticks.index] == Verdict.REJECTED
    if rejected.any():
        more = [Rejection(index, *_REJECTED) for index in ticks.index[rejected].tolist()]
        rejections = sorted([*rejections, *more], key=lambda one: one.index)
        ticks = _at(ticks, np.flatnonzero(~rejected))
    return ticks, rejections


def _read_again(codec: TickCodec, records: RecordBatch, accepted: Sequence[int]) -> TickColumns:
    """Records that are ticks, whatever prices are allowed today."""
    ticks, rejections = codec.for_any_price().decode(
        [records.keys[i] for i in accepted], [records.values[i] for i in accepted]
    )
    if rejections:
        i = accepted[rejections[0].index]
        raise UnreadableTickError(
            int(records.partition[i]), int(records.offset[i]), rejections[0].message
        )
    return replace(ticks, index=np.array(accepted, dtype=np.int64)[ticks.index])


def _joined(some: TickColumns, others: TickColumns) -> TickColumns:
    """Both, in input order."""
    columns = zip(_columns(some), _columns(others), strict=True)
    ticks = TickColumns(*(np.concatenate(pair) for pair in columns))
    return _at(ticks, np.argsort(ticks.index))


def _at(ticks: TickColumns, where: Int64[ndarray, " kept"]) -> TickColumns:
    return TickColumns(*(column[where] for column in _columns(ticks)))


def _columns(ticks: TickColumns) -> tuple[ndarray, ...]:
    return ticks.index, ticks.price, ticks.target, ticks.timestamp_ns
