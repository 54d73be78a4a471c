"""A picture of what there is, on a real broker: topics may be missing, a journal be empty."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.cimpl import NewPartitions

from ops.top import FleetObserver
from tests.fixtures.kafka import KafkaCluster, unique_name
from workers.config import Topics, WorkerConfig
from workers.errors import TopicLayoutError
from workers.group.view import GroupView, MemberView

pytestmark = pytest.mark.kafka


def test_a_fleet_that_lacks_topics_is_looked_at_and_told_what_is_missing(
    kafka: KafkaCluster,
) -> None:
    config = _config(kafka, unique_name("ticks"))
    with pytest.raises(TopicLayoutError, match="missing topics"):
        FleetObserver(config)
    topics = config.topics
    kafka.create_topic(name=topics.ticks, partitions=2)
    with FleetObserver(config) as observer:
        [warning] = observer.picture(0.1).warnings
        assert warning.startswith(f"missing topics: {topics.predictions}, {topics.flags}")
        for name in (topics.predictions, topics.flags, topics.dead_letters):
            kafka.create_topic(name=name, partitions=2)
        kafka.create_topic(name=topics.journal)
        picture = observer.picture(0.1)
        assert picture.warnings[0].startswith(f"{topics.journal} has 1 partitions")
        assert [one.answered_to for one in picture.partitions] == [-1, -1]
        admin = kafka.admin()
        admin.create_partitions([NewPartitions(topics.journal, 2)])[topics.journal].result(30)
        while (picture := observer.picture(0.1)).warnings:
            assert picture.partitions


def test_what_the_journal_no_longer_tells_the_commit_does(kafka: KafkaCluster) -> None:
    config = _whole(kafka)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for _ in range(5):
        producer.produce(config.topics.ticks, b"x", partition=0)
    assert producer.flush(30) == 0
    member = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": config.group_id})
    place = TopicPartition(config.topics.ticks, 0, 5)
    member.commit(offsets=[place], asynchronous=False)
    member.close()
    with FleetObserver(config) as observer:
        [one] = observer.picture(0.1).partitions
    assert (one.answered_to, one.lag_records, one.unsaved_records) == (4, 0, 0)


def test_members_of_another_fleet_are_told_and_not_counted(
    kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = MemberView("w-0", "h", (0,)), MemberView("v-0", "h", (), ("others",))
    group = GroupView("STABLE", (ours, theirs))
    monkeypatch.setattr("ops.top.observe.describe_group", lambda _: group)
    with FleetObserver(_whole(kafka)) as observer:
        picture = observer.picture(0.1)
    assert picture.members == ("w-0",)
    [warning] = picture.warnings
    assert warning.startswith("v-0 is assigned others: another fleet's: give each fleet a group_id")


def _config(kafka: KafkaCluster, ticks: str) -> WorkerConfig:
    names = {
        name: f"{ticks}-{name}" for name in ("predictions", "flags", "dead_letters", "journal")
    }
    topics = Topics(ticks=ticks, **names)
    return WorkerConfig(kafka.bootstrap, unique_name("group"), "w", "file:///unused", topics=topics)


def _whole(kafka: KafkaCluster) -> WorkerConfig:
    config = _config(kafka, kafka.create_topic("ticks"))
    for name in config.topics.all()[1:]:
        kafka.create_topic(name=name)
    return config
