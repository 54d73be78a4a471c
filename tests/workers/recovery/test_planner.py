"""Recoveries one after another, over an in-memory broker."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from confluent_kafka import Consumer

from core import PredictorConfig
from schemas import JournalCodec, JournalRecord, SingleObjectFraming
from snapshots import current_header
from tests.sim.broker import SimBroker, Txn
from tests.sim.clients import World
from tests.sim.patches import simulated
from tests.sim.scheduler import Scheduler
from tests.sim.store import SimStore
from tests.workers.recovery.test_plan import snapshot
from workers import MissingHistory, WorkerConfig
from workers.errors import HistoryLostError
from workers.journal.reader import JournalReader, JournalTail
from workers.partition import Partition
from workers.recovery import planner
from workers.recovery.plan import RecoveryPlan
from workers.recovery.planner import plan_recovery

CONFIG: Final = WorkerConfig(
    "localhost:1",
    "group",
    "w-0",
    "file:///snapshots",
    missing_history=MissingHistory.COLD_START,
)
STOP: Final = replace(CONFIG, missing_history=MissingHistory.STOP)
FINGERPRINT: Final = CONFIG.predictor.fingerprint()
FRAMING: Final = SingleObjectFraming()


class Partition0:
    """The one partition of a group: its topics, and what its owners find and leave."""

    def __init__(self) -> None:
        self.broker = SimBroker(partitions=1)
        self.world = World(broker=self.broker, scheduler=Scheduler(), ticks="ticks")

    def take_ticks(self, count: int) -> None:
        for _ in range(count):
            self.broker.log("ticks", 0).append(b"asset", b"tick")

    def take_transaction(self, *values: bytes) -> None:
        """Of a producer of ticks: its records and its marker."""
        log, txn = self.broker.log("ticks", 0), Txn("feed", 0.0, committed=True)
        for value in values:
            log.append(b"asset", value, txn)
        log.mark(txn)

    def journal(self, from_offset: int, to_offset: int) -> None:
        record = JournalRecord(from_offset, to_offset, 0, 3, 5, FINGERPRINT, "w")
        self.broker.log("journal", 0).append(None, JournalCodec(FRAMING).encode(record))

    def recover(self, config: WorkerConfig = CONFIG) -> RecoveryPlan:
        store = SimStore(self.world.scheduler)
        header = current_header(PredictorConfig(), "float64")
        return plan_recovery(config, store, header, JournalReader(config, FRAMING), 0)

    def answer(self, plan: RecoveryPlan, from_offset: int, to_offset: int) -> None:
        """One transaction of an owner that has recovered so and has no snapshot yet."""
        owner = Partition(0, 0.0, next_offset=to_offset + 1)
        owner.commit_offset, owner.journal_position = plan.commit_offset, plan.journal_position
        self.journal(from_offset, to_offset)
        self.broker.committed[0] = plan.commit_offset, owner.commit_metadata


@pytest.fixture
def partition() -> Iterator[Partition0]:
    found = Partition0()
    with simulated(found.world, lambda: found.broker.now_s):
        yield found


@pytest.mark.parametrize("more", [0, 600], ids=["shorter than the old topic", "longer by now"])
def test_a_cold_start_on_a_topic_created_anew_is_not_led_astray_by_the_old_ones_journal(
    partition: Partition0, more: int
) -> None:
    # Kafka has dropped the old topic's offset together with it.
    partition.journal(0, 499)
    partition.take_ticks(50)
    cold = partition.recover()
    assert (cold.source, cold.commit_offset, cold.emitted_to) == ("cold", 0, -1)

    partition.answer(cold, 0, 39)
    partition.take_ticks(more)
    again = partition.recover(STOP)
    assert (again.source, again.commit_offset, again.emitted_to) == ("genesis", 0, 39)
    partition.answer(again, 40, 49)
    once_more = partition.recover(STOP)
    assert (once_more.source, once_more.commit_offset, once_more.emitted_to) == ("genesis", 0, 49)


def test_a_journal_cut_off_behind_a_cold_start_is_seen(partition: Partition0) -> None:
    partition.broker.committed[0] = 10, "journal=3"
    partition.take_ticks(20)
    with pytest.raises(HistoryLostError, match="created anew or truncated"):
        partition.recover(STOP)


class Trimmed(JournalReader):
    """Retention has removed all of the journal, up to the marker behind its last record."""

    def read(self, _consumer: Consumer, _partition: int, _position: int) -> JournalTail:
        return JournalTail([], position=7, low=8, end=8)


def _recovered_behind_ten_ticks(
    partition: Partition0, monkeypatch: pytest.MonkeyPatch
) -> RecoveryPlan:
    partition.broker.committed[0] = 10, "0" * 64
    monkeypatch.setattr(planner, "_restore", lambda *_: (snapshot(10), ""))
    store, header = (
        SimStore(partition.world.scheduler),
        current_header(PredictorConfig(), "float64"),
    )
    return plan_recovery(STOP, store, header, Trimmed(STOP, FRAMING), 0)


def test_a_marker_behind_the_snapshot_does_not_need_a_journal(
    partition: Partition0, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition.take_ticks(9)
    partition.take_transaction(b"tick")
    assert partition.broker.log("ticks", 0).end == 11
    plan = _recovered_behind_ten_ticks(partition, monkeypatch)
    assert (plan.source, plan.start_offset, plan.emitted_to) == ("snapshot", 10, 9)


def test_a_tick_behind_the_snapshot_does(
    partition: Partition0, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition.take_ticks(9)
    partition.take_transaction(b"tick")
    partition.take_transaction(b"tick")
    with pytest.raises(HistoryLostError, match="journal records that recovery needs"):
        _recovered_behind_ten_ticks(partition, monkeypatch)
