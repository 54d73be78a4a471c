"""At least once, offsets are committed while the loop fetches, and within a rebalance."""

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import read_topic

pytestmark = pytest.mark.kafka
_COUNT = 400
_SOON_S = 8.0
"""Less than half of how long a commit that cannot get in is waited for."""


def test_the_last_snapshot_of_a_feed_that_went_quiet_is_committed_soon(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=1)
    fleet = make_fleet("fleet", ticks, 1, delivery="at_least_once", snapshot_interval_s=0.5)
    worker = fleet.start("w-0")
    produce(kafka, ticks, random_ticks(_COUNT, 10, seed=1))
    read_topic(kafka, fleet.topics["predictions"], 1, _COUNT)
    fleet.wait_for(lambda: fleet.committed()[0].offset == _COUNT, _SOON_S, "the commit")
    assert worker.terminate() == 0


def test_partitions_are_handed_over_at_once_and_no_tick_is_answered_again(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    partitions = 4
    ticks = kafka.create_topic("ticks", partitions=partitions)
    fleet = make_fleet("fleet", ticks, partitions, delivery="at_least_once")
    first = fleet.start("w-0")
    produce(kafka, ticks, random_ticks(_COUNT, 40, seed=1))
    read_topic(kafka, fleet.topics["predictions"], partitions, _COUNT)
    second = fleet.start("w-1")
    fleet.wait_for(lambda: "partitions_revoked" in fleet.logs(), 60, "the rebalance")
    wanted = partitions + partitions // 2
    fleet.wait_for(lambda: fleet.logs().count("partition_live") >= wanted, 60, "the hand-over")
    produce(kafka, ticks, random_ticks(_COUNT, 40, seed=2))
    read_topic(kafka, fleet.topics["predictions"], partitions, 2 * _COUNT)
    assert first.terminate() == 0
    assert second.terminate() == 0
    assert "commit_failed_in_revoke" not in fleet.logs()
    assert "outputs_uncertain" not in fleet.logs()
