"""What a stop waits for, and what it does not."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import Mock

import pytest

from tests.workers.snapshotted import CONFIG, CountingClock, Snapshotted
from workers.clock import SystemClock
from workers.errors import HistoryLostError
from workers.journal.decision_log import DecisionLog
from workers.lifecycle.shutdown import stop_in_order
from workers.lifecycle.stuck_guard import StuckGuard
from workers.partition import Partition
from workers.recovery.desk import RecoveryDesk
from workers.recovery.plan import RecoveryPlan
from workers.worker import Worker, WorkerParts

LONG_S = 1_000.0


@pytest.fixture
def limits_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the process was allowed to be silent, each time that was said."""
    limits_s: list[float] = []

    def arm(limit_s: float, **_options: object) -> None:
        limits_s.append(limit_s)

    monkeypatch.setattr("faulthandler.dump_traceback_later", arm)
    return limits_s


def test_a_stop_may_take_longer_than_the_loop_may_hang(limits_s: list[float]) -> None:
    parts = Mock(spec=WorkerParts)
    parts.config = replace(CONFIG, stop_timeout_s=100.0, stuck_after_s=60.0)
    parts.clock, parts.assignment = CountingClock(), Snapshotted().assignment
    parts.desk.close.return_value = parts.dumps.close.return_value = True
    parts.checkpoints.close.return_value = parts.topic_watch.close.return_value = True
    seen: list[float] = []
    parts.cycle.commit_now = lambda _membership: seen.append(limits_s[-1])
    with StuckGuard(parts.config.stuck_after_s) as guard:
        parts.guard = guard
        stop_in_order(Mock(spec=Worker, uncertain=False), parts)
    assert seen == [160.0, 160.0]


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


def test_a_question_for_the_journals_end_without_an_answer_is_told_of_when_it_stops() -> None:
    answers = threading.Event()

    def journal_end(_number: int) -> int:
        assert answers.wait(30)
        return 7

    worker = Snapshotted(journal_end)
    [partition] = worker.begin(0)
    worker.step(partition)
    worker.checkpoints.advance([partition], due_now=True)
    assert not worker.checkpoints.close(0.0)
    answers.set()


class Away:
    """What a recovery waits for until the test lets it answer."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()

    def plan(self, _number: int, _lost: str) -> RecoveryPlan:
        self.asked.set()
        assert self.answers.wait(30)
        return RecoveryPlan("genesis", None, 0, 0, -1, DecisionLog(), 0)


@pytest.fixture
def away() -> Iterator[Away]:
    away = Away()
    yield away
    away.answers.set()


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_plan_under_way_is_told_of_and_not_waited_for(away: Away, forgotten: bool) -> None:
    desk = RecoveryDesk(away.plan, SystemClock(), threads=1)
    first, waiting = Partition(0, 0.0), Partition(1, 0.0)
    desk.open(first)
    desk.open(waiting)
    assert away.asked.wait(30)
    if forgotten:
        desk.cancel(first)
    assert not desk.close()


def test_nothing_is_under_way_once_every_plan_is_made(away: Away) -> None:
    away.answers.set()
    desk = RecoveryDesk(away.plan, SystemClock())
    desk.open(Partition(0, 0.0))
    while not list(desk.finished()):
        pass
    assert desk.close()
