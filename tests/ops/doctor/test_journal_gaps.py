"""What the doctor says of a journal that is not the one the commits speak of, on a real broker."""

from dataclasses import replace

import pytest
from confluent_kafka import TopicPartition

from ops.doctor import Status
from ops.doctor.answered import check_answered
from ops.doctor.site import Site
from snapshots import SnapshotScope, SnapshotWriter
from tests.fixtures.kafka import KafkaCluster
from tests.ops.doctor.sites import answer_ten_ticks, commit, make_site, problems_of, send_ticks
from tests.snapshots.builders import HEADER, make_image
from workers.config import MissingHistory

pytestmark = pytest.mark.kafka


def snapshot(
    kafka: KafkaCluster, site: Site, *, offset: int, position: int, topic_id: str | None = None
) -> None:
    """The group commits one."""
    assert site.store is not None
    scope = SnapshotScope(site.config.group_id, site.config.topics.ticks, 0)
    writer = SnapshotWriter(site.store, HEADER)
    image = replace(make_image(3, offset=offset), journal_position=position, topic_id=topic_id)
    commit(kafka, site, offset, writer.submit(scope, image).result().metadata)
    assert writer.close(10.0)


def trim(site: Site, before: int) -> None:
    """As retention does it."""
    place = TopicPartition(site.config.topics.journal, 0, before)
    site.admin.delete_records([place])[place].result(30)


def test_a_journal_that_ends_before_a_snapshot_has_it(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    send_ticks(kafka, site, 20)
    answer_ten_ticks(kafka, site, 0)
    snapshot(kafka, site, offset=10, position=1)
    assert problems_of(check_answered(site)) == [], "ten ticks wait, and none is lost"
    ours = site.config
    other = replace(ours.topics, journal=kafka.create_topic("journal"))
    site.config = replace(ours, topics=other)
    [found] = check_answered(site)
    assert found.status is Status.FAILED
    assert "ends at 0, before 1" in found.message
    assert "topics.journal names another topic" in found.message
    assert "Put the journal back" in found.message
    assert "take the state along" in found.message
    assert "restart the workers" in found.remedy
    site.config = replace(site.config, missing_history=MissingHistory.COLD_START)
    assert [status for status, _ in problems_of(check_answered(site))] == [Status.WARNING]
    snapshot(kafka, site, offset=10, position=0)
    assert problems_of(check_answered(site)) == [], "as a copy for another group begins one"


def test_a_journal_that_ends_before_a_cold_start_has_it(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    send_ticks(kafka, site, 20)
    commit(kafka, site, 10, "journal=1")
    [(status, message)] = problems_of(check_answered(site))
    assert (status, "ends at 0, before 1" in message) == (Status.FAILED, True)
    answer_ten_ticks(kafka, site, 0)
    assert problems_of(check_answered(site)) == []


def test_a_journal_whose_retention_is_shorter_than_an_outage(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    send_ticks(kafka, site, 30)
    answer_ten_ticks(kafka, site, 0)
    answer_ten_ticks(kafka, site, 0, first=10)
    snapshot(kafka, site, offset=10, position=1)
    trim(site, 1)
    assert problems_of(check_answered(site)) == [], "recovery needs nothing of before"
    trim(site, 2)
    [(status, message)] = problems_of(check_answered(site))
    assert (status, "retention has removed" in message) == (Status.FAILED, True)
    answer_ten_ticks(kafka, site, 0, first=20)
    [(status, message)] = problems_of(check_answered(site))
    assert (status, "retention has removed" in message) == (Status.FAILED, True)
    snapshot(kafka, site, offset=20, position=1)
    assert problems_of(check_answered(site)) == [], "what is left tells of all behind the snapshot"
    trim(site, 3)
    snapshot(kafka, site, offset=30, position=2)
    assert problems_of(check_answered(site)) == [], "behind the snapshot is no tick"


def test_of_a_snapshot_of_another_topic_the_journal_is_not_looked_at(kafka: KafkaCluster) -> None:
    site = make_site(kafka)
    snapshot(kafka, site, offset=10, position=7, topic_id="another")
    assert problems_of(check_answered(site)) == []
