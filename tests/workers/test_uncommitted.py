"""A snapshot is stored once all it holds is committed, and never where that fails."""

import time
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from confluent_kafka import TopicPartition

from tests.workers.snapshotted import CONFIG, Snapshotted
from workers import NullTelemetry
from workers.delivery.cycle import CommitCycle
from workers.delivery.outputs import Outputs
from workers.errors import OutputUncertainError
from workers.group.membership import Membership
from workers.partition import Partition
from workers.telemetry.traces import NullTracer


class Commits:
    """Outputs whose commits end when the test says so, and as it says."""

    overdue = False
    commit_s = 0.0

    def __init__(self) -> None:
        self.committing, self.fails = False, False
        self._offsets: Sequence[TopicPartition] = ()

    def start_commit(self, offsets: Sequence[TopicPartition], _group: object) -> None:
        self.committing, self._offsets = True, offsets

    def settle(self) -> Sequence[TopicPartition]:
        self.committing = False
        offsets, self._offsets = self._offsets, ()
        if self.fails:
            raise OutputUncertainError("the coordinator is away")
        return offsets


class _Seat:
    def ticket(self) -> None:
        """No group to be fenced by."""


class Worker(Snapshotted):
    """One partition, its commits and its snapshots, as the loop moves them."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs = Commits()
        tools: dict[str, Any] = {
            "clock": self.clock,
            "telemetry": NullTelemetry(),
            "tracer": NullTracer(),
        }
        self.cycle = CommitCycle(
            CONFIG, cast(Outputs, self.outputs), self.assignment, self.checkpoints, **tools
        )
        [self.partition] = self.begin(0)

    def answer(self) -> None:
        """A tick is stepped and its outputs are produced: not while a commit is under way."""
        self.step(self.partition)
        self.cycle.settle()
        self.cycle.touch([self.partition])

    def turn(self) -> None:
        """The rest of the loop's turn."""
        self.cycle.advance(cast(Membership, _Seat()))
        self.checkpoints.advance([self.partition], due_now=True)

    def capture(self) -> None:
        """Turns in which no commit begins, until the rows have been copied."""
        while not self._captured:
            self.checkpoints.advance([self.partition], due_now=True)
            time.sleep(0.001)

    def wait_for_store(self) -> Partition:
        """Turns without ticks until a snapshot is durable."""
        while self.partition.durable is None:
            self.checkpoints.advance([self.partition])
            time.sleep(0.001)
        return self.partition

    @property
    def _captured(self) -> bool:
        return self.partition.next_offset > 0 and not self.table.dirty[self.partition.rows].any()

    @property
    def stored(self) -> int:
        """How many objects the store was given."""
        return len(self.store.calls)


def test_it_is_stored_when_the_commit_that_covers_it_has_succeeded() -> None:
    worker = Worker()
    worker.answer()
    worker.capture()
    worker.step(worker.partition)  # beside the commit that is about to begin
    worker.turn()
    assert worker.outputs.committing
    worker.turn()
    assert worker.stored == 0
    worker.cycle.settle()
    worker.cycle.touch([worker.partition])
    assert worker.wait_for_store().commit_offset == 1
    assert worker.checkpoints.close(30.0)


def test_one_copied_between_two_commits_waits_for_the_second() -> None:
    worker = Worker()
    worker.answer()
    worker.turn()
    assert worker.outputs.committing
    worker.answer()
    worker.capture()
    for _ in range(3):
        worker.checkpoints.advance([worker.partition])
    assert worker.stored == 0
    worker.cycle.commit_now(cast(Membership, _Seat()))
    assert worker.wait_for_store().commit_offset == 2
    assert worker.checkpoints.close(30.0)


def test_nothing_of_a_commit_that_failed_is_ever_stored() -> None:
    worker = Worker()
    worker.answer()
    worker.capture()
    worker.turn()
    worker.outputs.fails = True
    with pytest.raises(OutputUncertainError):
        worker.cycle.settle()
    worker.outputs.fails = False
    worker.cycle.reset()
    # Not even if it outlived its partition's recovery, and later commits succeed.
    for _ in range(3):
        worker.answer()
        worker.cycle.commit_now(cast(Membership, _Seat()))
        worker.checkpoints.advance([worker.partition])
    assert worker.stored == 0
    worker.assignment.drop([0])
    [worker.partition] = worker.begin(0)
    worker.answer()
    worker.capture()
    worker.cycle.commit_now(cast(Membership, _Seat()))
    assert worker.wait_for_store().commit_offset == 1
    assert len(worker.store.written("manifests")) == 1
    assert worker.checkpoints.close(30.0)


def test_ticks_without_end_do_not_hold_snapshots_up() -> None:
    worker = Worker()
    turns = 0
    while worker.partition.durable is None:
        turns += 1
        assert turns < 10_000
        worker.answer()
        worker.turn()
        assert worker.outputs.committing
        time.sleep(0.001)
    assert 0 < worker.partition.commit_offset < worker.partition.next_offset
    worker.cycle.settle()
    assert worker.checkpoints.close(30.0)


def test_rows_of_a_snapshot_that_the_writer_refuses_are_written_by_the_next() -> None:
    worker = Worker()
    worker.answer()
    worker.capture()
    worker.step(worker.partition)
    assert worker.writer.close(30.0)
    worker.cycle.commit_now(cast(Membership, _Seat()))
    worker.checkpoints.advance([worker.partition])
    assert np.all(worker.table.dirty[worker.partition.rows])
