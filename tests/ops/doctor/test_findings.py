"""Each thing that a doctor looks at, broken on a real broker without a fleet; and what it says."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from ops.doctor import Status, storage, transactions
from ops.doctor.answered import check_answered
from ops.doctor.cluster import check_brokers, check_topics
from ops.doctor.commits import check_commits
from ops.doctor.decisions import check_config
from ops.doctor.membership import check_group
from ops.doctor.site import Site
from ops.doctor.storage import check_store
from ops.doctor.strangers import check_strangers
from ops.doctor.transactions import check_transactions
from snapshots import ManifestRef, SnapshotScope, SnapshotWriter, StoreAccessError
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.ops.doctor.sites import (
    CONFIG,
    answer_ten_ticks,
    commit,
    make_site,
    member_of,
    problems_of,
    send_ticks,
)
from tests.snapshots.builders import HEADER, make_image
from tests.snapshots.memory_store import MemoryStore
from workers.brokers.topic_identity import TopicIdentity
from workers.config import Delivery, MissingHistory
from workers.delivery.cold_commit import journal_note


@pytest.mark.kafka
def test_topics_that_would_lose_history_or_do_not_fit(kafka: KafkaCluster) -> None:
    journal, ticks = {"cleanup.policy": "compact"}, {"retention.ms": "3600000"}
    site = make_site(kafka, journal=journal, ticks=ticks)
    topic = site.config.topics.ticks
    site.admin.create_partitions([NewPartitions(topic, 2)])[topic].result(30)
    while site.partitions != range(2):
        list(check_brokers(site))
    problems = problems_of(check_topics(site))
    compacted, short, misfit = _by_word(
        problems, "compacted", "less than a day", "has 1 partitions"
    )
    assert compacted[0] is misfit[0] is Status.FAILED
    assert short[0] is Status.WARNING


def _by_word(problems: list[tuple[Status, str]], *words: str) -> list[tuple[Status, str]]:
    assert len(problems) == len(words), problems
    return [next(one for one in problems if word in one[1]) for word in words]


@pytest.mark.kafka
def test_commits_that_recovery_could_not_go_on_from(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    topic = site.config.topics.ticks
    send_ticks(kafka, site, 10)
    assert problems_of(check_commits(site)) == []

    commit(kafka, site, 4)
    [(status, message)] = problems_of(check_commits(site))
    assert (status, "no snapshot yet" in message) == (Status.WARNING, True)
    place = TopicPartition(topic, 0, 7)
    site.admin.delete_records([place])[place].result(30)
    [(status, message)] = problems_of(check_commits(site))
    assert (status, "retention has passed the committed 4" in message) == (Status.FAILED, True)
    commit(kafka, site, 99)
    [(status, message)] = problems_of(check_commits(site))
    assert (status, "it was recreated" in message) == (Status.FAILED, True)


@pytest.mark.kafka
def test_snapshots_of_a_group_whose_offset_has_expired(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    assert site.store is not None
    send_ticks(kafka, site, 10)
    writer = SnapshotWriter(site.store, HEADER)
    scope = SnapshotScope(site.config.group_id, site.config.topics.ticks, 0)
    writer.submit(scope, replace(make_image(3, offset=4), topic_id="another")).result()
    assert problems_of(check_commits(site)) == []
    ref = writer.submit(scope, make_image(3, offset=10)).result()
    assert writer.close(10.0)
    [(status, message)] = problems_of(check_commits(site))
    assert (status, message) == (
        Status.FAILED,
        f"{scope.topic}[0]: the store has snapshots of the group, and the group has no committed "
        "offset",
    )
    ours = site.config
    site.config = replace(ours, missing_history=MissingHistory.COLD_START)
    assert [status for status, _ in problems_of(check_commits(site))] == [Status.WARNING]
    site.config = ours
    commit(kafka, site, 10, ref.metadata)
    assert problems_of(check_commits(site)) == []
    send_ticks(kafka, site, 1)
    site.store, store = MemoryStore(), site.store
    [gone] = check_commits(site)
    assert gone.status is Status.FAILED
    assert "another worker of the group writes to another snapshot_url" in gone.remedy
    site.store = store
    [old] = [one for one in check_commits(site) if one.status is Status.WARNING]
    assert "1 records behind" in old.message
    words = ("snapshot_failed", "partition_stopped", "outputs_uncertain")
    assert all(word in old.remedy for word in words)


@pytest.mark.kafka
def test_a_marker_behind_the_committed_offset_is_no_tick(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap, "transactional.id": unique_name("feed")}
    )
    producer.init_transactions(30)
    for offset in (1, 3):
        producer.begin_transaction()
        producer.produce(site.config.topics.ticks, b"x")
        producer.commit_transaction(30)
        # x C x C
        commit(kafka, site, offset)
        assert problems_of(check_commits(site)) == []
    commit(kafka, site, 1)
    [(_, message)] = problems_of(check_commits(site))
    assert "no snapshot yet" in message


@pytest.mark.kafka
def test_a_journal_of_ticks_that_the_group_never_committed(kafka: KafkaCluster) -> None:
    """Another group's, or that of a topic which was made anew: workers stop its partitions."""
    site = make_site(kafka)
    send_ticks(kafka, site, 20)
    assert problems_of(check_answered(site)) == []
    answer_ten_ticks(kafka, site, time.time_ns())
    [(status, message)] = problems_of(check_answered(site))
    assert status is Status.FAILED
    assert "up to 9 were answered, but the group has no committed offset" in message
    ours = site.config
    site.config = replace(ours, missing_history=MissingHistory.COLD_START)
    assert [status for status, _ in problems_of(check_answered(site))] == [Status.WARNING]
    # At least once too, a worker commits before it answers.
    site.config = replace(ours, delivery=Delivery.AT_LEAST_ONCE)
    assert [status for status, _ in problems_of(check_answered(site))] == [Status.FAILED]
    site.config = ours
    commit(kafka, site, 4)
    assert problems_of(check_answered(site)) == []


@pytest.mark.kafka
def test_a_commit_of_answers_whose_journal_is_empty(kafka: KafkaCluster) -> None:
    """Another topic than the one that tells of them, or made anew: workers stop its partitions."""
    site = make_site(kafka)
    send_ticks(kafka, site, 20)
    commit(kafka, site, 0)
    assert problems_of(check_answered(site)) == [], "nothing may have been answered yet"
    commit(kafka, site, 0, journal_note(0, answered=True))
    [(status, message)] = problems_of(check_answered(site))
    assert (status, "names another topic" in message) == (Status.FAILED, True)
    answer_ten_ticks(kafka, site, 0, group=site.config.group_id)
    assert problems_of(check_answered(site)) == []


@pytest.mark.kafka
def test_another_group_in_the_journal(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    commit(kafka, site, 4)
    answer_ten_ticks(kafka, site, 0, group=site.config.group_id)
    assert problems_of(check_answered(site)) == []
    answer_ten_ticks(kafka, site, 0, group="other")
    answer_ten_ticks(kafka, site, 0, group=site.config.group_id)
    [(status, message)] = problems_of(check_answered(site))
    assert status is Status.FAILED
    assert message.endswith("is written by the group other too")


@pytest.mark.kafka
def test_another_fleet_of_the_group_in_the_journal(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    ours = site.config.predictor.fingerprint()
    answer_ten_ticks(kafka, site, 0, group=site.config.group_id, topic="others")
    [(status, message)] = problems_of(check_answered(site))
    assert status is Status.FAILED
    assert message.endswith("is written by a fleet of this group that answers others too")
    [config] = check_config(site)
    assert config.message == f"fingerprint {ours}; the journal has no record of this fleet"


@pytest.mark.kafka
def test_snapshots_of_another_topic_of_the_same_name(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    store, ours = site.store, TopicIdentity(site.config).ask()
    assert store is not None and ours is not None
    writer = SnapshotWriter(store, HEADER)
    scope = SnapshotScope(site.config.group_id, site.config.topics.ticks, 0)

    def save(offset: int, topic_id: str | None) -> ManifestRef:
        image = replace(make_image(3, offset=offset), topic_id=topic_id)
        return writer.submit(scope, image).result()

    save(4, None)
    commit(kafka, site, 5, save(5, ours).metadata)
    assert problems_of(check_strangers(site)) == []
    other = save(7, "another")
    [(status, message)] = problems_of(check_strangers(site))
    assert (status, "1 of the one with id another" in message) == (Status.WARNING, True)
    commit(kafka, site, 7, other.metadata)
    (status, message), _ = problems_of(check_strangers(site))
    assert (status, "committed snapshot is of another" in message) == (Status.FAILED, True)
    assert writer.close(10.0)


@pytest.mark.kafka
def test_more_workers_than_partitions_and_none(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    assert "has no members" in problems_of(check_group(site))[0][1]
    with member_of(kafka, site) as first, member_of(kafka, site) as second:
        for member in (first, second):
            member.subscribe([site.config.topics.ticks])
        deadline_s = time.monotonic() + 60
        while not any(
            "no partition for" in message for _, message in problems_of(check_group(site))
        ):
            first.poll(0.1)
            second.poll(0.1)
            assert time.monotonic() < deadline_s


@pytest.mark.kafka
def test_a_member_of_another_fleet_is_no_worker_too_many(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    others = kafka.create_topic("others")
    with member_of(kafka, site) as ours, member_of(kafka, site) as theirs:
        ours.subscribe([site.config.topics.ticks])
        theirs.subscribe([others])
        deadline_s = time.monotonic() + 60
        while not (ours.assignment() and theirs.assignment()):
            ours.poll(0.1)
            theirs.poll(0.1)
            assert time.monotonic() < deadline_s
        found = list(check_group(site))
        assert [one.status for one in found] == [Status.WARNING, Status.OK]
        assert f"is assigned {others}: another fleet's" in found[0].message
        assert "group_id of its own" in found[0].remedy
        assert found[1].message.endswith("(1)"), "the other one is not counted"


@pytest.mark.kafka
def test_a_transaction_that_stays_open(
    kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "_WATCH_S", 0.1)
    site = make_site(kafka)
    assert problems_of(check_transactions(site)) == []
    settings = {"bootstrap.servers": kafka.bootstrap, "transactional.id": unique_name("dead")}
    producer = Producer(settings)
    producer.init_transactions(30)
    producer.begin_transaction()
    touched = (site.config.topics.predictions, site.config.topics.flags)
    for topic in touched:
        producer.produce(topic, b"x", partition=0)
    producer.flush(30)
    [(status, message)] = problems_of(check_transactions(site))
    assert status is Status.WARNING
    assert all(f"{topic}[0]" in message for topic in touched)
    producer.abort_transaction(30)
    assert problems_of(check_transactions(site)) == []


@pytest.mark.kafka
def test_another_configuration_and_a_clock_that_is_ahead(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    answer_ten_ticks(kafka, site, time.time_ns() + 3_600 * 10**9)
    clock, config = _by_word(problems_of(check_config(site)), "future", "fingerprint")
    assert clock[0] is Status.WARNING
    assert config[0] is Status.FAILED
    assert "the journal has 0123456789abcdef" in config[1]


@pytest.mark.kafka
def test_another_dtype(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    ours = site.config.predictor.fingerprint()
    answer_ten_ticks(kafka, site, 0, fingerprint=ours, dtype="float32")
    [(status, message)] = problems_of(check_config(site))
    assert (status, message) == (Status.FAILED, "dtype float64, the journal has float32")


def _refusing(step: str) -> MemoryStore:
    store = MemoryStore()

    def before(action: str, _: str) -> None:
        if action == step:
            raise StoreAccessError("not allowed")

    store.before = before
    store.now_s = time.time()
    return store


def _skewed(by_s: float) -> MemoryStore:
    store = MemoryStore()
    store.now_s = time.time() + by_s
    return store


class _Altering(MemoryStore):
    """Gives back something else than was written."""

    def get(self, key: str, **limits: int) -> bytes:
        return super().get(key, **limits) + b"!"


@pytest.mark.parametrize(
    ("make", "status", "message"),
    [
        (lambda: _refusing("put"), Status.FAILED, "cannot write"),
        (lambda: _refusing("get"), Status.FAILED, "cannot read"),
        (lambda: _refusing("list"), Status.FAILED, "cannot list"),
        (lambda: _refusing("delete"), Status.FAILED, "cannot delete"),
        (_Altering, Status.FAILED, "altered an object"),
        (lambda: _skewed(-60.0), Status.WARNING, "the store's clock is -"),
        (lambda: _skewed(3_000.0), Status.FAILED, "the store's clock is +"),
    ],
)
def test_a_store_that_does_not_do_what_a_worker_needs(
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[], MemoryStore],
    status: Status,
    message: str,
) -> None:
    monkeypatch.setattr(storage, "open_store", lambda *_: make())
    [(found, said)] = problems_of(check_store(Site(CONFIG, AdminClient({"log_level": 0}))))
    assert (found, message in said) == (status, True), said


def test_a_store_that_cannot_be_opened_is_no_matter_of_credentials(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = replace(CONFIG, snapshot_url=(tmp_path / "file").as_uri())
    [found] = check_store(Site(config, AdminClient({"log_level": 0})))
    assert found.message.startswith("cannot open: ")
    assert "set snapshot_url" in found.remedy
    assert "credentials" not in found.remedy
