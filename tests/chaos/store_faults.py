"""Faults of the store that snapshots go to."""

from dataclasses import dataclass

from tests.chaos.stage import Stage
from tests.snapshots.faulty_proxy import Fault as StoreFault

__all__ = ["BreakStore", "FillDisk"]


@dataclass(frozen=True)
class BreakStore:
    """Every call to the object store fails in one way.

    Attributes:
        hang_s: how long one that hangs does.
    """

    at_s: float
    away_s: float
    kind: StoreFault
    hang_s: float = 2.0

    def strike(self, stage: Stage) -> None:
        assert stage.store is not None
        stage.note(f"store: {self.kind.name} for {self.away_s} s")
        stage.store.then, stage.store.hang_s = self.kind, self.hang_s
        stage.later(self.away_s, lambda: setattr(stage.store, "then", StoreFault.NONE))


@dataclass(frozen=True)
class FillDisk:
    """Something else takes the room on the disk; a chunk no longer fits, half of one does."""

    at_s: float
    away_s: float

    def strike(self, stage: Stage) -> None:
        assert stage.disk is not None
        stage.note(f"the disk is full for {self.away_s} s")
        stage.disk.fill()
        stage.later(self.away_s, stage.disk.make_room)
