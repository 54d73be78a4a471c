"""What a stop waits for, and what it does not."""

from tests.workers.snapshotted import Snapshotted
from workers.errors import HistoryLostError

LONG_S = 1_000.0


def test_a_stopped_partitions_snapshot_is_not_waited_for() -> None:
    worker = Snapshotted()
    stopped, sound = worker.begin(0, 1)
    for partition in (stopped, sound):
        worker.step(partition)
    worker.checkpoints.advance([stopped, sound], due_now=True)
    worker.assignment.fail(stopped, HistoryLostError("gone", topic="ticks", partition=0, offset=1))
    begun_s = worker.clock.now_s
    worker.checkpoints.drain([stopped, sound], LONG_S)
    assert worker.clock.now_s - begun_s < LONG_S
    assert (stopped.durable, sound.commit_offset) == (None, 1)
    assert worker.checkpoints.close(30.0)
