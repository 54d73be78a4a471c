"""Partitions of an assignment with their snapshots, without Kafka: tests move time and ticks."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from core import PredictorConfig
from snapshots import SnapshotWriter
from tests.sim.table import STATE_ROWS, SimTable
from tests.snapshots.builders import HEADER
from tests.snapshots.memory_store import MemoryStore
from workers import NullTelemetry, WorkerConfig
from workers.assignment import Assignment
from workers.checkpoints import Checkpoints
from workers.compute.state_table import StateTable
from workers.delivery.first_commit import FirstCommits
from workers.group.membership import Membership
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition
from workers.recovery.desk import RecoveryDesk
from workers.recovery.plan import RecoveryPlan
from workers.telemetry.traces import NullTracer

__all__ = ["CONFIG", "CountingClock", "Snapshotted"]

CONFIG = WorkerConfig("localhost:1", "group", "w-0", "file:///snapshots", snapshot_interval_s=10.0)
_EMPTY = RecoveryPlan("genesis", None, 0, 0, -1, DecisionLog(), 0)


class CountingClock:
    """Each look at it takes a second."""

    now_s = 0.0

    def now_ns(self) -> int:
        return int(self.now_s * 1e9)

    def monotonic_s(self) -> float:
        self.now_s += 1.0
        return self.now_s


class _Seat:
    """A membership whose client seeks wherever it is told to."""

    def start_at(self, _partition: int, _offset: int) -> None:
        """Done."""


class Snapshotted:
    """Live partitions over a store in memory.

    Args:
        journal_end: what is asked for the end of a journal partition.
    """

    def __init__(self, journal_end: Callable[[int], int] = lambda _number: 7) -> None:
        self.clock, self.store = CountingClock(), MemoryStore()
        header = replace(HEADER, blocks={"global": (0, STATE_ROWS)})
        self.writer = SnapshotWriter(self.store, header)
        self.table = SimTable(PredictorConfig(), "float64")
        table = cast(StateTable, self.table)
        tools: dict[str, Any] = {
            "clock": self.clock,
            "telemetry": NullTelemetry(),
            "tracer": NullTracer(),
        }
        self.checkpoints = Checkpoints(CONFIG, self.writer, table, journal_end=journal_end, **tools)
        self.desk = RecoveryDesk(lambda _number, _lost: _EMPTY, self.clock)
        self.assignment = Assignment(
            table, self.desk, self.checkpoints, FirstCommits(CONFIG), **tools
        )

    def begin(self, *numbers: int) -> list[Partition]:
        """Take partitions over that have seen no tick yet, and wait until they are live."""
        self.assignment.add(numbers)
        while len(self.assignment.live()) < len(numbers):
            time.sleep(0.001)
            self.assignment.install_finished(cast(Membership, _Seat()))
            self.assignment.finish_replays()
        return self.assignment.live()

    def step(self, partition: Partition, ticks: int = 1) -> None:
        """So many ticks are stepped, the first of them of a new asset."""
        name = f"asset-{len(partition.assets)}".encode()
        partition.adopt([name], self.table.allocate(1))
        partition.next_offset += ticks
