"""Recoveries that fail: what is left of them, however often they are tried again."""

import gc
import time
import weakref
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Final, NoReturn, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from structlog.testing import capture_logs

from snapshots import StoreAccessError, StoreError
from workers import WorkerConfig
from workers.brokers.topic_identity import TopicIdentity
from workers.errors import StalledClientError
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition
from workers.recovery.desk import RecoveryDesk
from workers.recovery.plan import RecoveryPlan
from workers.recovery.planner import plan_recovery

CONFIG: Final = WorkerConfig("localhost:1", "group", "w-0", "file:///snapshots")
WITHOUT_LEADER: Final = 1


class Client:
    """A reader of two partitions, one of which has no leader."""

    made: Final[weakref.WeakSet["Client"]] = weakref.WeakSet()

    def __init__(self, _settings: object) -> None:
        self.made.add(self)

    def committed(self, wanted: Sequence[TopicPartition], _timeout_s: float) -> object:
        return [TopicPartition(one.topic, one.partition, 1, "a" * 64) for one in wanted]

    def get_watermark_offsets(self, wanted: TopicPartition, _timeout_s: float) -> tuple[int, int]:
        if wanted.partition == WITHOUT_LEADER:
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        return 0, 9

    def close(self) -> None:
        """Its threads end when the object does."""


class AwayStore:
    """Every call fails, and the error's traceback holds the error, as boto's do."""

    def get(self, key: str, **_options: int) -> NoReturn:
        error = StoreError(f"{key}: 503")
        raise error


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What goes in here goes because its last holder lets go, as in a worker at work."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("number", [0, WITHOUT_LEADER], ids=["the store is away", "no leader"])
def test_failed_recoveries_leave_no_clients_behind(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.recovery.planner.Consumer", Client)
    now_s = [0.0]
    desk = RecoveryDesk(
        lambda number, _lost: plan_recovery(
            CONFIG,
            AwayStore(),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]  # not reached
            None,  # type: ignore[arg-type]  # not reached
            number,
            identity=cast(TopicIdentity, SimpleNamespace(ask=lambda: None)),
        ),
        SimpleNamespace(monotonic_s=lambda: now_s[0]),
    )
    desk.open(Partition(number, 0.0))
    most = 0
    for _ in range(20):
        until_s = time.monotonic() + 5.0
        while not desk._retry_at_s and time.monotonic() < until_s:
            assert list(desk.finished()) == []
        assert desk._retry_at_s, "it is tried again"
        most = max(most, len(Client.made))
        now_s[0] += 2.0
        assert list(desk.finished()) == []
    desk.close()
    assert most <= 2, "one that has just ended, one that is at it"


def test_a_store_that_refuses_is_asked_again_more_slowly() -> None:
    """Its keys may have been rotated just now: no partition is given up for that."""
    now_s, asked = [0.0], [0]

    def plan(_number: int, _lost: str) -> RecoveryPlan:
        asked[0] += 1
        if asked[0] < 3:
            raise StoreAccessError("403")
        return RecoveryPlan("genesis", None, 0, 0, -1, DecisionLog(), 0)

    def ended() -> list[object]:
        until_s = time.monotonic() + 5.0
        while not desk._threads.idle and time.monotonic() < until_s:
            time.sleep(0.001)
        return [outcome for _, outcome in desk.finished()]

    desk = RecoveryDesk(plan, SimpleNamespace(monotonic_s=lambda: now_s[0]))
    desk.open(Partition(0, 0.0))
    for attempt in (1, 2):
        assert ended() == []
        now_s[0] += 9.9
        assert (ended(), asked[0]) == ([], attempt)
        now_s[0] += 0.2
        assert ended() == []
    [outcome] = ended()
    assert isinstance(outcome, RecoveryPlan)
    assert desk.close()


def test_a_partition_that_is_given_up_is_not_tried_again() -> None:
    now_s, asked = [0.0], [0]

    def plan(_number: int, _lost: str) -> RecoveryPlan:
        asked[0] += 1
        raise StoreAccessError("403")

    desk = RecoveryDesk(plan, SimpleNamespace(monotonic_s=lambda: now_s[0]))
    partition = Partition(0, 0.0)
    desk.open(partition)
    until_s = time.monotonic() + 5.0
    while not desk._retry_at_s and time.monotonic() < until_s:
        assert list(desk.finished()) == []
    assert desk._retry_at_s
    desk.cancel(partition)
    now_s[0] += 60.0
    assert list(desk.finished()) == []
    assert desk._threads.idle
    assert asked == [1]
    assert desk.close()


def test_what_is_tried_each_second_is_told_each_ten() -> None:
    now_s = [0.0]

    def plan(_number: int, _lost: str) -> RecoveryPlan:
        raise StalledClientError("away")

    desk = RecoveryDesk(plan, SimpleNamespace(monotonic_s=lambda: now_s[0]))
    desk.open(Partition(3, 0.0))
    with capture_logs() as lines:
        for second in range(0, 24, 2):
            now_s[0] = float(second)
            until_s = time.monotonic() + 5.0
            while not desk._retry_at_s and time.monotonic() < until_s:
                assert list(desk.finished()) == []
            now_s[0] += 1.5
            assert list(desk.finished()) == []
    assert [(line["partition"], line["reason"]) for line in lines] == [(3, "away")] * 3
    assert lines[1]["repeated"] > 2
    assert desk.close()
