"""A member whose seat was taken after an outage takes it again; one replaced in calm leaves."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, KafkaError

from ops.local.process import free_port
from tests.chaos.lossy_proxy import lossy_proxy
from tests.fixtures.kafka import KafkaCluster, unique_name
from workers import NullTelemetry, WorkerConfig
from workers.brokers.client_config import consumer_settings
from workers.clock import SystemClock
from workers.config import GroupProtocol, Topics
from workers.errors import FencedError, StalledClientError
from workers.group.membership import Membership

pytestmark = pytest.mark.kafka


class _Partitions:
    """Keeps book of what a member holds."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.lost: list[int] = []

    def on_assigned(self, partitions: Sequence[int]) -> None:
        self.held |= set(partitions)

    def on_revoked(self, partitions: Sequence[int]) -> None:
        self.held -= set(partitions)

    def on_lost(self, partitions: Sequence[int]) -> None:
        self.held -= set(partitions)
        self.lost += partitions


@pytest.fixture
def config(kafka: KafkaCluster) -> WorkerConfig:
    return WorkerConfig(
        kafka.bootstrap,
        unique_name("group"),
        "w-0",
        "file:///unused",
        topics=Topics(ticks=kafka.create_topic("ticks", partitions=2)),
    )


@pytest.fixture
def rival(config: WorkerConfig) -> Iterator[tuple[Consumer, list[KafkaError]]]:
    errors: list[KafkaError] = []
    consumer = Consumer(consumer_settings(config, errors.append))
    yield consumer, errors
    consumer.close()


def _drive(member: Membership, until: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 40.0
    while not until():
        assert time.monotonic() < deadline_s
        member.fetch(1, 0.1)


def _is_out(consumer: Consumer, errors: list[KafkaError]) -> bool:
    message = consumer.poll(0.1)
    error = None if message is None else message.error()
    if error is not None:
        errors.append(error)
    return any("fenced" in error.str() for error in errors)


def test_after_an_outage_a_displaced_member_takes_its_seat_again(
    config: WorkerConfig, rival: tuple[Consumer, list[KafkaError]]
) -> None:
    port, broker_port = free_port(), int(config.bootstrap_servers.rpartition(":")[2])
    partitions = _Partitions()
    outage = replace(config, bootstrap_servers=f"127.0.0.1:{port}")
    member = Membership(outage, partitions, NullTelemetry(), SystemClock())
    member.fetch(1, 1.0)
    with lossy_proxy(port) as gate:
        gate.start(broker_port)
        _drive(member, lambda: partitions.held == {0, 1})
        other, errors = rival
        other.subscribe([config.topics.ticks])
        _drive(member, lambda: _is_out(other, errors))
        _drive(member, lambda: partitions.held == {0, 1})
        assert partitions.lost == [0, 1]
        member.close()


def test_in_calm_a_displaced_member_leaves(
    config: WorkerConfig, rival: tuple[Consumer, list[KafkaError]]
) -> None:
    partitions = _Partitions()
    member = Membership(config, partitions, NullTelemetry(), SystemClock())
    _drive(member, lambda: partitions.held == {0, 1})
    other, errors = rival
    other.subscribe([config.topics.ticks])
    with pytest.raises(FencedError, match="worker_id"):
        _drive(member, lambda: _is_out(other, errors))
    member.close()


@pytest.mark.parametrize("protocol", GroupProtocol)
def test_a_member_has_joined_when_it_has_its_partitions_or_is_spare(
    kafka: KafkaCluster, config: WorkerConfig, protocol: GroupProtocol
) -> None:
    topics = Topics(ticks=kafka.create_topic("ticks"))
    config = replace(config, topics=topics, group_protocol=protocol)
    partitions, none = _Partitions(), _Partitions()
    first = Membership(config, partitions, NullTelemetry(), SystemClock())
    assert not first.joined
    _drive(first, lambda: first.joined)
    assert partitions.held == {0}
    spare = Membership(replace(config, worker_id="w-1"), none, NullTelemetry(), SystemClock())
    assert not spare.joined

    def spare_joined() -> bool:
        spare.fetch(1, 0.0)
        return spare.joined

    _drive(first, spare_joined)
    assert (partitions.held, none.held) == ({0}, set())
    first.close()
    spare.close()


def test_a_member_that_has_left_has_no_ticket(config: WorkerConfig) -> None:
    member = Membership(config, _Partitions(), NullTelemetry(), SystemClock())
    member.close()
    with pytest.raises(StalledClientError, match="generation"):
        member.ticket()
