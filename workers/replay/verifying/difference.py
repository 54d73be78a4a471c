"""One difference between replay and live, and what it points to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import JournalRecord

__all__ = ["Difference", "explain"]

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """Attributes:
    partition, offset: of the tick.
    asset_id: empty where unknown.
    what: which fields differ, live's values and ours.
    cause: what that points to.
    """

    partition: int
    offset: int
    asset_id: str
    what: str
    cause: str

    def describe(self) -> str:
        """One line for a person."""
        asset = f" of {self.asset_id}" if self.asset_id else ""
        return f"partition {self.partition}, offset {self.offset}{asset}: {self.what}; {self.cause}"


def explain(
    partition: int,
    offset: int,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    record: JournalRecord | None,
) -> Difference:
    """Two results of one tick that differ in their bytes.

    Args:
        partition: of the tick.
        offset: of the tick.
        ours: the replayed result.
        theirs: the published one.
        record: the journal record that covers the tick.
    """
    # As text: NaN is not equal to itself, and the text of a double tells all its bits.
    fields = [name for name in ours if repr(ours[name]) != repr(theirs.get(name))]
    shown = ", ".join(f"{n}: live {theirs.get(n)!r}, replay {ours[n]!r}" for n in fields[:_SHOWN])
    more = f" and {len(fields) - _SHOWN} more fields" if len(fields) > _SHOWN else ""
    worker = f" (answered by {record.worker})" if record is not None else ""
    return Difference(
        partition,
        offset,
        str(ours["asset_id"]),
        f"{shown}{more}" if fields else "the encodings differ",
        _cause(fields) + worker,
    )


def _cause(fields: list[str]) -> str:
    if not fields:
        return "the same values in other bytes: another schema or framing"
    if fields == ["source_topic"]:
        return "live read the ticks from a topic of another name"
    if "processing_time_ns" in fields or "signature_depth" in fields or "kernel_mask" in fields:
        return "the decision that live took is not the one in the journal"
    if "sequence" in fields:
        return (
            "live counted other ticks of this asset before: its state began elsewhere (a cold "
            "start, another cold_start_rewind, a snapshot of another group: --from-snapshot "
            "oldest begins with that), or input was deleted"
        )
    return (
        "the same ticks and decisions gave other numbers: another version of TickFleet, JAX or "
        "processor, or another dtype than live's"
    )
