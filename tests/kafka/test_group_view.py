"""A group is asked for while the only broker is away, and then the broker comes back.

A client that is kept, and counts the time itself, mostly ends its process by SIGABRT here
(librdkafka#4605): then a parallel run says of this test that its worker has crashed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException

from ops.local import LocalKafka
from tests.fixtures.kafka import KafkaCluster
from workers.config import WorkerConfig
from workers.group.view import GroupView, view_group

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalKafka]:
    """Has a group with one member, which has one partition."""
    with LocalKafka(tmp_path) as broker:
        ticks = KafkaCluster(broker.bootstrap).create_topic(name="ticks")
        member = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "group"})
        member.subscribe([ticks])
        while not member.assignment():
            member.poll(0.1)
        yield broker
        member.close()


def test_questions_without_an_answer_are_let_go_of(broker: LocalKafka) -> None:
    config = WorkerConfig(broker.bootstrap, "group", "w-0", "file:///unused", client_timeout_s=1.0)
    before = view_group(config)
    assert [len(member.partitions) for member in before.members] == [1]
    broker.kill()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            view_group(config)
    broker.start()
    assert _asked_again(config) == before


def test_who_asks_often_is_not_told_of_each_client_that_is_let_go(
    broker: LocalKafka, capfd: pytest.CaptureFixture[str]
) -> None:
    config = WorkerConfig(broker.bootstrap, "group", "w-0", "file:///unused")
    for _ in range(60):
        view_group(config)
    assert "BGQUEUE" not in capfd.readouterr().err


def _asked_again(config: WorkerConfig) -> GroupView:
    for _ in range(20):
        try:
            return view_group(config)
        except (KafkaException, TimeoutError) as error:
            last = error
    raise last
