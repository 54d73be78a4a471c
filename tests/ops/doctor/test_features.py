"""Brokers that lack what a fleet needs: what the doctor says, and a worker."""

from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from ops.doctor import Finding, Status
from ops.doctor.cluster import check_brokers
from ops.doctor.features import check_features
from ops.doctor.site import Site
from ops.fleet import describe_group
from ops.local import LocalKafka
from ops.topics import TopicInfo
from tests.fixtures.kafka import KafkaCluster, unique_name
from workers import ConfigurationError
from workers.clock import SystemClock
from workers.config import Delivery, GroupProtocol, Topics, WorkerConfig
from workers.group.membership import Membership
from workers.telemetry.metrics import NullTelemetry

pytestmark = pytest.mark.kafka


def _findings(config: WorkerConfig) -> list[Finding]:
    site = Site(config, AdminClient({"bootstrap.servers": config.bootstrap_servers}))
    list(check_brokers(site))
    return list(check_features(site))


def _config(bootstrap: str, ticks: str, protocol: GroupProtocol) -> WorkerConfig:
    config = WorkerConfig(bootstrap, unique_name("group"), "w", "file:///unused")
    return replace(config, topics=Topics(ticks=ticks), group_protocol=protocol)


@pytest.mark.parametrize("protocol", list(GroupProtocol))
def test_brokers_as_they_should_be(kafka: KafkaCluster, protocol: GroupProtocol) -> None:
    config = _config(kafka.bootstrap, kafka.create_topic("ticks"), protocol)
    offered, refused = _findings(config)
    assert (offered.status, refused.status) == (Status.OK, Status.OK)
    assert offered.message.endswith(f"group_protocol = {protocol}")
    assert "refuse" in refused.message
    [only] = _findings(replace(config, delivery=Delivery.AT_LEAST_ONCE))
    assert only.status is Status.OK


def test_without_a_ticks_topic_nothing_is_tried(kafka: KafkaCluster) -> None:
    [finding] = _findings(_config(kafka.bootstrap, "absent", GroupProtocol.CLASSIC))
    assert finding.status is Status.SKIPPED


def test_brokers_that_take_a_former_members_commit() -> None:
    # A stand-in, which the client itself brings: no Kafka that old runs on today's Java.
    broker = AdminClient({"bootstrap.servers": "x", "test.mock.num.brokers": 1, "log_level": 0})
    [node] = broker.list_topics("ticks", timeout=10).brokers.values()
    config = _config(f"{node.host}:{node.port}", "ticks", GroupProtocol.CLASSIC)
    site = Site(config, broker, topics={"ticks": TopicInfo("ticks", 1, 1, {})})
    offered, taken = check_features(site)
    assert (offered.status, taken.status) == (Status.OK, Status.FAILED)
    assert "take the commit of a former member" in taken.message
    assert "Kafka 2.5" in taken.remedy


def test_brokers_that_do_not_offer_the_group_protocol(tmp_path: Path) -> None:
    settings = {"group.coordinator.rebalance.protocols": "classic"}
    with LocalKafka(tmp_path, settings=settings) as broker:
        ticks = KafkaCluster(broker.bootstrap).create_topic("ticks")
        config = _config(broker.bootstrap, ticks, GroupProtocol.CONSUMER)
        # Nobody has asked this broker for a group yet: it is not ready for one at once.
        assert describe_group(config).members == ()
        [finding] = _findings(config)
        assert finding.status is Status.FAILED
        assert "do not offer group_protocol = consumer" in finding.message
        assert 'group_protocol = "classic"' in finding.remedy

        member = Membership(config, _Deaf(), NullTelemetry(), SystemClock())
        with pytest.raises(ConfigurationError, match="do not offer group_protocol = consumer"):
            for _ in range(100):
                member.fetch(1, 0.1)
        member.close()


@pytest.mark.parametrize(
    ("protocol", "status", "remedy"),
    [
        (GroupProtocol.CONSUMER, Status.FAILED, 'group_protocol = "classic"'),
        (GroupProtocol.CLASSIC, Status.WARNING, "coordinator"),
    ],
)
def test_brokers_that_give_no_seat_and_do_not_refuse_one(
    protocol: GroupProtocol, status: Status, remedy: str
) -> None:
    # As Kafka 3.7 to 3.9 with KIP-848, whose half of it the client does not take.
    config = replace(_config("127.0.0.1:1", "ticks", protocol), client_timeout_s=0.3)
    site = Site(config, AdminClient({}), topics={"ticks": TopicInfo("ticks", 1, 1, {})})
    [finding] = check_features(site)
    assert (finding.status, finding.remedy.count(remedy)) == (status, 1)
    assert finding.message.endswith(f"group_protocol = {protocol}")


class _Deaf:
    """No partition ever comes or goes."""

    def on_assigned(self, partitions: object) -> None:
        """Nothing to do."""

    def on_revoked(self, partitions: object) -> None:
        """Nothing to do."""

    def on_lost(self, partitions: object) -> None:
        """Nothing to do."""
