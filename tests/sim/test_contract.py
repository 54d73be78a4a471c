"""The in-memory broker behaves as Apache Kafka where a worker can tell: one contract, both kept."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.sim.broker import TRANSACTION_S, SimBroker
from tests.sim.clients import SimAdmin, SimConsumer, SimProducer, World
from tests.sim.cluster import Cluster
from tests.sim.contract import BrokerContract
from tests.sim.scheduler import Scheduler
from workers import Topics, WorkerConfig


class _Simulated(Cluster):
    def __init__(self) -> None:
        super().__init__(WorkerConfig("simulated:1", "group", "w-0", "file:///nowhere"))
        self._broker = SimBroker(partitions=1)
        self._world = World(broker=self._broker, scheduler=Scheduler(), ticks=self.ticks)

    def new_producer(self, settings: dict[str, Any]) -> SimProducer:
        return SimProducer(self._world, settings)

    def new_consumer(self, settings: dict[str, Any]) -> SimConsumer:
        return SimConsumer(self._world, settings)

    def new_admin(self) -> SimAdmin:
        return SimAdmin(self._world, {})

    def write_markers(self) -> None:
        self._broker.quiesce()

    def outlast_transactions(self) -> None:
        self._broker.advance(TRANSACTION_S + 1.0)
        self._broker.quiesce()


class TestSimulatedBroker(BrokerContract):
    @pytest.fixture
    def cluster(self) -> Cluster:
        return _Simulated()


class _Real(Cluster):
    def new_producer(self, settings: dict[str, Any]) -> Producer:
        return Producer(settings)

    def new_consumer(self, settings: dict[str, Any]) -> Consumer:
        return Consumer(settings)

    def new_admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.config.bootstrap_servers})

    def write_markers(self) -> None:
        """They come by themselves, and those who read wait for them."""

    def outlast_transactions(self) -> None:
        # The broker looks for them every second.
        time.sleep(self.config.transaction_timeout_ms / 1000 + 2.0)


@pytest.mark.kafka
class TestApacheKafka(BrokerContract):
    @pytest.fixture
    def cluster(self, kafka: KafkaCluster) -> Iterator[Cluster]:
        topics = Topics(ticks=kafka.create_topic("ticks"), journal=kafka.create_topic("journal"))
        yield _Real(
            WorkerConfig(
                kafka.bootstrap,
                unique_name("group"),
                "w-0",
                "file:///nowhere",
                topics=topics,
                session_timeout_ms=2_000,
                transaction_timeout_ms=2_000,
            )
        )
