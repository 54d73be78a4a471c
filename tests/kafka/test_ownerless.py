"""A static member that ends between the two halves of a rebalance: what it gave up finds an owner.

Its next life gets its place in the group back without a rebalance (KIP-345), so nobody hears that
it has given partitions up, and the group would leave them to nobody.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import read_topic

pytestmark = pytest.mark.kafka
PARTITIONS: Final = 4
SESSION_MS: Final = 20_000
# A member that takes all partitions, and then hears no more of rebalances: its client's thread
# goes on, and answers them with what it still holds.
EARLIER_LIFE: Final = """
import sys, time
from confluent_kafka import Consumer

bootstrap, group, topic, session_ms, partitions = sys.argv[1:]
member = Consumer({
    "bootstrap.servers": bootstrap,
    "group.id": group,
    "group.instance.id": "w-1",
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": int(session_ms),
    "heartbeat.interval.ms": 500,
})
member.subscribe([topic])
while len(member.assignment()) < int(partitions):
    member.poll(0.1)
print("all taken", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def fleet(kafka: KafkaCluster, make_fleet: MakeFleet) -> Fleet:
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    return make_fleet("fleet", ticks, PARTITIONS, session_timeout_ms=SESSION_MS)


@pytest.fixture
def earlier_life(kafka: KafkaCluster, fleet: Fleet) -> Iterator[subprocess.Popen[str]]:
    shape = (kafka.bootstrap, fleet.group, fleet.ticks, str(SESSION_MS), str(PARTITIONS))
    command = [sys.executable, "-c", EARLIER_LIFE, *shape]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_partitions_given_up_by_a_life_that_ended_are_taken(
    kafka: KafkaCluster, fleet: Fleet, earlier_life: subprocess.Popen[str]
) -> None:
    assert earlier_life.stdout is not None and earlier_life.stdout.readline() == "all taken\n"
    fleet.start("w-0")
    fleet.wait_for(lambda: "partitions_assigned" in fleet.logs(), 60, "w-0's empty share")
    earlier_life.kill()
    fleet.start("w-1")
    count = 1_000
    produce(kafka, fleet.ticks, random_ticks(count, 40, seed=1))
    read_topic(kafka, fleet.topics["predictions"], PARTITIONS, count)
    fleet.stop()
