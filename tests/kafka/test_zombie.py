"""A worker stopped beyond its session and continued: nothing it does afterwards counts."""

import signal
import time
from pathlib import Path

import pytest

from ops.local import LocalKafka
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap, read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka
PARTITIONS = 4


@pytest.mark.parametrize("fault", [None, "after_produce:stop:20", "after_send_offsets:stop:10"])
def test_a_zombie_publishes_nothing_and_its_snapshot_is_not_adopted(
    kafka: KafkaCluster, make_fleet: MakeFleet, fault: str | None
) -> None:
    count = 8_000
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = make_fleet(
        "fleet",
        ticks,
        PARTITIONS,
        session_timeout_ms=2_000,
        transaction_timeout_ms=3_000,
        snapshot_interval_s=0.5,
    )
    tap = Tap(kafka, fleet.topics["predictions"], PARTITIONS)
    zombie = fleet.start("zombie", fault=fault, max_batch_records=100)
    produce(kafka, ticks, random_ticks(count // 2, 40, seed=3))
    if fault is None:
        fleet.wait_for(lambda: tap.count > count // 8, 60, "the zombie's first results")
        zombie.signal(signal.SIGSTOP)
    fleet.wait_for(lambda: zombie.stopped, 60, "the zombie to stand still")
    # The heir is a stranger: it gets the partitions when the zombie's session has run out.
    fleet.start("heir")
    produce(kafka, ticks, random_ticks(count // 2, 40, seed=4), per_second=4_000)
    fleet.wait_for(lambda: tap.count >= count, 60, f"{count} results from the heir")
    owned = fleet.committed()
    zombie.signal(signal.SIGCONT)
    produce(kafka, ticks, random_ticks(2_000, 40, seed=5), per_second=1_000)
    fleet.wait_for(lambda: tap.count >= count + 2_000, 60, "results after the zombie woke up")
    time.sleep(1.0)
    assert all(owned[p].offset <= tp.offset for p, tp in fleet.committed().items())
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, PARTITIONS, count + 2_000)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, tap.records)
    assert report.holds, f"{report}\n{fleet.log_ends()}"

    calm = make_fleet("calm", ticks, PARTITIONS)
    calm.start("w-0")
    expected = read_topic(kafka, calm.topics["predictions"], PARTITIONS, count + 2_000)
    calm.stop()
    for partition, records in expected.items():
        assert [r.value for r in tap.records[partition]] == [r.value for r in records]
    assert fleet.state_digests() == calm.state_digests()


def test_of_two_workers_with_one_id_the_older_leaves(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=2)
    fleet = make_fleet("fleet", ticks, 2)
    tap = Tap(kafka, fleet.topics["predictions"], 2)
    older = fleet.start("twin")
    produce(kafka, ticks, random_ticks(500, 10, seed=1))
    fleet.wait_for(lambda: tap.count >= 500, 40, "the older twin's results")
    younger = fleet.start("twin")
    fleet.wait_for(lambda: not older.running, 40, "the older twin to leave")
    assert older.wait(1) != 0
    assert "worker_id" in fleet.logs()
    produce(kafka, ticks, random_ticks(500, 10, seed=2))
    fleet.wait_for(lambda: tap.count >= 1_000, 40, "the younger twin's results")
    assert younger.terminate() == 0
    tap.close()


def test_a_worker_without_topics_says_what_to_do(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=2)
    fleet = make_fleet("fleet", ticks, 2)
    fleet.topics["journal"] = unique_name("missing")
    assert fleet.start("w-0").wait(60) != 0
    assert "tickfleet topics create" in fleet.logs()


def test_under_kip_848_a_killed_static_member_waits_for_its_seat(
    tmp_path: Path,
) -> None:
    # The broker keeps the dead member's seat for its session timeout and refuses its next life.
    settings = {
        "group.consumer.session.timeout.ms": "4000",
        "group.consumer.heartbeat.interval.ms": "1000",
    }
    with LocalKafka(tmp_path / "kafka", settings=settings) as broker:
        kafka = KafkaCluster(broker.bootstrap)
        ticks = kafka.create_topic("ticks", partitions=2)
        fleet = Fleet(kafka, tmp_path / "fleet", ticks, 2, {"group_protocol": "consumer"})
        tap = Tap(kafka, fleet.topics["predictions"], 2)
        try:
            worker = fleet.start("w-0")
            produce(kafka, ticks, random_ticks(500, 10, seed=1))
            fleet.wait_for(lambda: tap.count >= 500, 60, "results")
            worker.kill()
            fleet.start("w-0")
            produce(kafka, ticks, random_ticks(500, 10, seed=2))
            fleet.wait_for(lambda: tap.count >= 1_000, 60, "results of the next life")
            fleet.stop()
        finally:
            fleet.kill_all()
            tap.close()
        assert tap.count == 1_000
