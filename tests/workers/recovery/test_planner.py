"""Recoveries one after another, over an in-memory broker."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Uuid

from core import PredictorConfig
from core.errors import RetryableError
from schemas import JournalCodec, JournalRecord, SingleObjectFraming
from snapshots import (
    ManifestRef,
    PartitionImage,
    SnapshotScope,
    SnapshotWriter,
    copy_snapshot,
    current_header,
    load_manifest,
    retarget,
)
from tests.sim.broker import SimBroker, Txn
from tests.sim.clients import SimAdmin, World
from tests.sim.patches import simulated
from tests.sim.scheduler import Scheduler
from tests.sim.store import SimStore
from tests.workers.recovery.test_plan import snapshot
from workers import MissingHistory, WorkerConfig
from workers.brokers.topic_identity import TopicIdentity
from workers.delivery.cold_commit import journal_note
from workers.errors import HistoryLostError, StalledClientError
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
HEADER: Final = current_header(PredictorConfig(), "float64")
SCOPE: Final = SnapshotScope("group", "ticks", 0)


class Partition0:
    """The one partition of a group: its topics, and what its owners find and leave."""

    def __init__(self) -> None:
        self.broker = SimBroker(partitions=1)
        self.world = World(broker=self.broker, scheduler=Scheduler(), ticks="ticks")
        self.store = SimStore(self.world.scheduler)

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

    def save(self, offset: int, topic_id: str | None) -> ManifestRef:
        """A snapshot without assets."""
        none = np.zeros(0, dtype=np.int64)
        image = PartitionImage(
            offset=offset,
            journal_position=0,
            asset_ids=(),
            rows=np.zeros((0, HEADER.features)),
            last_timestamp_ns=none,
            sequence=none,
            dirty=np.zeros(0, dtype=np.bool_),
            topic_id=topic_id,
        )
        return SnapshotWriter(self.store, HEADER).submit(SCOPE, image).result()

    def name(self, ref: ManifestRef) -> None:
        """The group commits a snapshot."""
        self.broker.committed[0] = ref.offset, ref.metadata

    def recover(self, config: WorkerConfig = CONFIG) -> RecoveryPlan:
        journal, identity = JournalReader(config, FRAMING), TopicIdentity(config)
        return plan_recovery(config, self.store, HEADER, journal, 0, identity=identity)

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
    journal, identity = Trimmed(STOP, FRAMING), TopicIdentity(STOP)
    return plan_recovery(STOP, store, header, journal, 0, identity=identity)


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


@pytest.fixture
def topic_id(partition: Partition0) -> str:
    """Of the topic there is."""
    found = TopicIdentity(CONFIG).ask()
    assert found is not None
    return found


def test_a_snapshot_of_a_topic_that_was_created_anew_is_not_gone_on_from(
    partition: Partition0, topic_id: str
) -> None:
    partition.take_ticks(1_000)
    partition.journal(0, 999)
    partition.name(partition.save(1_000, topic_id))
    assert partition.recover(STOP).source == "snapshot"
    # A worker at work commits its offset again, and the new topic has outgrown it.
    committed = dict(partition.broker.committed)
    partition.broker.create_anew("ticks")
    partition.broker.committed.update(committed)
    partition.take_ticks(3_000)
    with pytest.raises(HistoryLostError, match="created anew, or is another cluster's"):
        partition.recover(STOP)
    # Nothing tells which of the new ticks below C were answered: none is twice.
    cold = partition.recover()
    assert (cold.source, cold.commit_offset, cold.emitted_to) == ("cold", 1_000, 999)
    assert cold.topic_id not in (None, topic_id)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("snapshots", [True, False])
def test_a_log_that_was_cut_is_told_from_a_topic_created_anew_by_the_topics_id(
    partition: Partition0, topic_id: str, *, snapshots: bool, told: bool
) -> None:
    """An older release does not tell it: then no tick of a new topic is left out."""
    partition.take_ticks(500)
    if snapshots:
        partition.name(partition.save(1_000, topic_id if told else None))
    else:
        partition.journal(0, 999)
        note = journal_note(0, answered=True, topic_id=topic_id if told else None)
        partition.broker.committed[0] = 0, note
    cold = partition.recover()
    begin = 500 if told else 0
    assert (cold.source, cold.commit_offset, cold.emitted_to) == ("cold", begin, begin - 1)


def test_where_the_snapshot_is_lost_another_clusters_is_not_taken(
    partition: Partition0, topic_id: str
) -> None:
    partition.take_ticks(1_000)
    partition.journal(0, 999)
    partition.save(960, "another")
    lost = partition.save(1_000, topic_id)
    partition.store.delete(SCOPE.manifest_key(lost))
    partition.name(lost)
    plan = partition.recover(STOP)
    assert (plan.source, plan.start_offset, plan.emitted_to) == ("rebuild", 0, 999)
    partition.save(500, topic_id)
    plan = partition.recover(STOP)
    assert (plan.source, plan.start_offset, plan.topic_id) == ("parent", 500, topic_id)


def test_a_copy_for_another_group_goes_on_in_whichever_topic_there_is(
    partition: Partition0,
) -> None:
    partition.take_ticks(20)
    original = load_manifest(partition.store, SCOPE, partition.save(10, "another"))
    wanted = retarget(original, SnapshotScope("new", "ticks", 0))
    partition.name(copy_snapshot(partition.store, original, partition.store, wanted))
    plan = partition.recover(replace(STOP, group_id="new"))
    assert (plan.source, plan.start_offset) == ("snapshot", 10)
    assert plan.topic_id not in (None, "another"), "which its own snapshots will name"


def test_a_snapshot_without_a_commit_that_names_it_stops_the_partition_until_one_does(
    partition: Partition0, topic_id: str
) -> None:
    """The offset has expired together with the journal's records, or a copy was not taken up."""
    partition.take_ticks(20)
    partition.save(30, "another")
    assert partition.recover(STOP).source == "genesis", "a topic of its own to begin in"
    ref = partition.save(10, topic_id)
    told = rf"at offset 10.*`tickfleet snapshot restore --partition 0 {ref.digest[:12]}`"
    with pytest.raises(HistoryLostError, match=told):
        partition.recover(STOP)
    partition.store.delete(SCOPE.manifest_key(ref))
    assert partition.recover(STOP).source == "genesis", "nothing is left of it"
    partition.save(10, topic_id)
    partition.name(ref)
    plan = partition.recover(STOP)
    assert (plan.source, plan.start_offset) == ("snapshot", 10)


@pytest.mark.parametrize("says", [None, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_brokers_that_tell_no_id_stop_nothing(
    partition: Partition0, monkeypatch: pytest.MonkeyPatch, says: int | None
) -> None:
    partition.take_ticks(20)
    partition.name(partition.save(10, "another"))
    monkeypatch.setattr(SimAdmin, "describe_topics", _answering(says or Uuid(0, 0)))
    plan = partition.recover(STOP)
    assert (plan.source, plan.topic_id) == ("snapshot", None)


def test_files_of_which_no_client_can_be_made_are_tried_again() -> None:
    """As while a certificate is renewed, and its key not yet."""
    options = {"security.protocol": "SSL", "ssl.ca.location": "/none", "log_level": "0"}
    config, unasked = replace(CONFIG, kafka=options), SimpleNamespace()
    with pytest.raises(RetryableError, match=r"ssl\.ca\.location"):
        plan_recovery(
            config,
            cast("Any", unasked),
            HEADER,
            cast("Any", unasked),
            0,
            identity=cast("Any", unasked),
        )


def test_brokers_that_do_not_agree_are_asked_again(
    partition: Partition0, monkeypatch: pytest.MonkeyPatch, topic_id: str
) -> None:
    partition.take_ticks(20)
    partition.name(partition.save(10, topic_id))
    behind = iter([Uuid(1, 7), Uuid(1, 7), Uuid(1, 0), Uuid(1, 0)])
    monkeypatch.setattr(SimAdmin, "describe_topics", _answering(lambda: next(behind)))
    with pytest.raises(StalledClientError, match="do not agree"):
        partition.recover(STOP)
    assert partition.recover(STOP).source == "snapshot"
    monkeypatch.setattr(SimAdmin, "describe_topics", _answering(KafkaError._TIMED_OUT))
    with pytest.raises(StalledClientError):
        partition.recover(STOP)


def _answering(what: Callable[[], Uuid] | Uuid | int) -> Callable[..., dict[str, Future[Any]]]:
    """An id, what makes one, or an error's code."""

    def describe(*_: object, **__: object) -> dict[str, Future[Any]]:
        answer: Future[Any] = Future()
        if isinstance(what, int):
            answer.set_exception(KafkaException(KafkaError(what)))
        else:
            answer.set_result(SimpleNamespace(topic_id=what() if callable(what) else what))
        return {"ticks": answer}

    return describe
