"""What a fleet looks like at one moment. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FleetPicture", "PartitionPicture"]


@dataclass(frozen=True, slots=True)
class PartitionPicture:
    """One partition of the ticks topic.

    Attributes:
        partition: its number.
        worker: its owner; empty when it has none.
        answered_to: the last input offset answered, or before which the group began; -1 before the
            first.
        lag_records: input records after it, and what transactions take between them.
        ticks_per_s: answered since the picture before; 0 in the first.
        snapshot_age_s: since the committed snapshot was stored; None when there is none.
        unsaved_records: answered after that snapshot: what a restart would replay.
    """

    partition: int
    worker: str
    answered_to: int
    lag_records: int
    ticks_per_s: float
    snapshot_age_s: float | None
    unsaved_records: int


@dataclass(frozen=True, slots=True)
class FleetPicture:
    """The whole fleet. `flags`: flag type -> raised and instant events since the start; `warnings`:
    what is not as it should be, and what to do, a line each."""

    group: str
    state: str
    members: tuple[str, ...]
    partitions: tuple[PartitionPicture, ...]
    flags: Mapping[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def lag_records(self) -> int:
        """Over all partitions."""
        return sum(one.lag_records for one in self.partitions)

    @property
    def ticks_per_s(self) -> float:
        """Over all partitions."""
        return sum(one.ticks_per_s for one in self.partitions)
