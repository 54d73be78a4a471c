"""The group protocol of a fleet is changed: with all workers stopped, and changed back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ops.local import LocalKafka
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import Tap, read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka
PARTITIONS: Final = 2
TICKS: Final = 400
# The workers' default, and what this broker is told, so that both waits are as short.
SESSION_S: Final = 6.0
SETTINGS: Final = {
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "6000",
}


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[KafkaCluster]:
    with LocalKafka(tmp_path / "kafka", settings=SETTINGS) as broker:
        yield KafkaCluster(broker.bootstrap)


def test_the_group_protocol_is_changed_and_changed_back_with_all_workers_stopped(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = make_fleet("fleet", ticks, PARTITIONS)
    tap = Tap(kafka, fleet.topics["predictions"], PARTITIONS)

    def answered(nth: int) -> None:
        produce(kafka, ticks, random_ticks(TICKS, 20, seed=nth))
        fleet.wait_for(lambda: tap.count >= nth * TICKS, 60, f"the {nth}. ticks")

    fleet.start("w-0")
    answered(1)
    second = fleet.start("w-1")
    fleet.wait_for(lambda: "partition_live" in second.log.read_text(), 60, "w-1 has its share")

    # One by one does not do: the new one ends and says why, the others go on.
    assert second.terminate() == 0
    refused = fleet.start("w-1", group_protocol="consumer")
    assert refused.wait(60) == 1
    assert "group_protocol = classic" in refused.log.read_text()
    assert "wait session_timeout_ms" in refused.log.read_text()
    answered(2)

    for nth, protocol in ((3, "consumer"), (4, "classic")):
        fleet.stop()
        time.sleep(SESSION_S + 1.0)
        fleet.start("w-0", group_protocol=protocol)
        fleet.start("w-1", group_protocol=protocol)
        answered(nth)
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, PARTITIONS, 4 * TICKS)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, tap.records)
    assert report.holds and report.results == 4 * TICKS, report
