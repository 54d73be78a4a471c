"""Snapshots that are corrupt, gone or out of reach; retention that has passed; orderly stops."""

import re
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from snapshots import StoreOptions
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import Ticks, produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap, read_topic
from tests.kafka.verdict import verdict
from tests.snapshots.faulty_proxy import Fault, faulty_proxy

pytestmark = pytest.mark.kafka
COUNT = 3_000
TICKS = random_ticks(COUNT, 10, seed=11)


def feed(fleet: Fleet, first: int, last: int) -> None:
    """Ticks `first` to `last`, the latter excluded."""
    part = slice(first, last)
    ticks = Ticks(TICKS.asset[part], TICKS.price[part], TICKS.timestamp_ns[part])
    produce(fleet.kafka, fleet.ticks, ticks)


def run_and_die(fleet: Fleet, tap: Tap) -> None:
    """A worker that commits two snapshots, however slow the store, then dies among the rest."""
    worker = fleet.start("w-0")
    feed(fleet, 0, 500)
    fleet.wait_for(lambda: fleet.committed()[0].offset == 500, 60, "a snapshot")
    feed(fleet, 500, 1_000)
    fleet.wait_for(lambda: fleet.committed()[0].offset == 1_000, 60, "a second one")
    worker.kill()
    feed(fleet, 1_000, COUNT)
    worker = fleet.start("w-0", fault="after_commit:kill:20")
    fleet.wait_for(lambda: not worker.running, 60, "the death of the second life")
    fleet.wait_for(lambda: tap.count > 1_000, 20, "what it answered")
    assert tap.count < COUNT


def manifests(fleet: Fleet) -> list[Path]:
    """Manifest files of partition 0, oldest first."""
    folder = fleet.folder / "snapshots" / fleet.group / fleet.ticks / "0" / "manifests"
    return sorted(folder.iterdir())


def sources(fleet: Fleet) -> list[str]:
    """How each recovery found its state, in order."""
    return re.findall(r"partition_recovered.*source=(\w+)", fleet.logs())


@pytest.fixture
def ticks(kafka: KafkaCluster) -> str:
    return kafka.create_topic("ticks", partitions=1)


@pytest.fixture
def fleet(make_fleet: MakeFleet, ticks: str) -> Fleet:
    return make_fleet(
        "fleet", ticks, 1, snapshot_interval_s=0.1, max_batch_records=40, commit_interval_ms=5
    )


def finish(kafka: KafkaCluster, make_fleet: MakeFleet, fleet: Fleet, tap: Tap) -> None:
    """Start anew, answer the rest, and compare everything with an undisturbed run."""
    fleet.start("w-0")
    fleet.wait_for(lambda: tap.count >= COUNT, 60, f"{COUNT} results")
    time.sleep(0.3)
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, fleet.ticks, 1, COUNT)
    report = verdict({0: [r.offset for r in inputs[0]]}, tap.records)
    assert report.holds and report.results == COUNT, f"{report}\n{fleet.log_ends()}"
    calm = make_fleet("calm", fleet.ticks, 1)
    calm.start("w-0")
    expected = read_topic(kafka, calm.topics["predictions"], 1, COUNT)
    calm.stop()
    assert [r.value for r in tap.records[0]] == [r.value for r in expected[0]]
    assert fleet.state_digests() == calm.state_digests()


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_newest_snapshot_leads_to_its_parent_and_the_same_bytes(
    kafka: KafkaCluster, make_fleet: MakeFleet, fleet: Fleet, damage: str
) -> None:
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    run_and_die(fleet, tap)
    committed = fleet.committed()[0]
    newest = next(m for m in manifests(fleet) if m.name.endswith(committed.metadata or "?"))
    if damage == "remove":
        newest.unlink()
    else:
        content = newest.read_bytes()
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        newest.write_bytes(flipped if damage == "flip" else content[:middle])
    finish(kafka, make_fleet, fleet, tap)
    assert sources(fleet)[-1] == "parent"


def test_without_any_valid_snapshot_the_state_is_rebuilt_from_the_retained_input(
    kafka: KafkaCluster, make_fleet: MakeFleet, fleet: Fleet
) -> None:
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    run_and_die(fleet, tap)
    for manifest in manifests(fleet):
        manifest.write_bytes(b"")
    finish(kafka, make_fleet, fleet, tap)
    assert sources(fleet)[-1] == "rebuild"


def delete_before(kafka: KafkaCluster, topic: str, offset: int) -> None:
    """Do what retention does, now."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        future.result(30)


def test_retention_past_the_snapshot_stops_the_partition_and_says_what_to_do(
    kafka: KafkaCluster, fleet: Fleet
) -> None:
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    run_and_die(fleet, tap)
    answered = tap.count
    delete_before(kafka, fleet.ticks, COUNT - 10)
    worker = fleet.start("w-0")
    fleet.wait_for(lambda: "partition_stopped" in fleet.logs(), 40, "the partition to stop")
    assert "retention.ms" in fleet.logs() and "missing_history" in fleet.logs()
    time.sleep(1.0)
    assert worker.running, "the worker lives on for its other partitions"
    assert tap.count == answered
    assert worker.terminate() == 0

    # The explicit policy goes on with a gap, and still answers nothing twice.
    fleet.start("w-0", missing_history="cold_start")
    fleet.wait_for(lambda: tap.count >= answered + 10, 40, "results after the gap")
    fleet.stop()
    tap.close()
    assert tap.count == answered + 10
    assert sources(fleet)[-1] == "cold"


def test_retention_that_passes_a_worker_at_work_is_met_by_the_policy_that_is_set(
    kafka: KafkaCluster, fleet: Fleet
) -> None:
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    worker = fleet.start("w-0", missing_history="cold_start")
    feed(fleet, 0, COUNT)
    fleet.wait_for(lambda: tap.count >= COUNT, 60, "results")
    worker.signal(signal.SIGSTOP)
    # The fetch under way is answered meanwhile, with nothing.
    time.sleep(0.5)
    produce(kafka, fleet.ticks, random_ticks(200, 10, seed=12))
    delete_before(kafka, fleet.ticks, COUNT + 100)
    worker.signal(signal.SIGCONT)
    fleet.wait_for(lambda: tap.count >= COUNT + 100, 40, "results after the gap")
    fleet.stop()
    tap.close()
    answered = [*range(COUNT), *range(COUNT + 100, COUNT + 200)]
    assert verdict({0: answered}, tap.records).holds
    assert sources(fleet)[-1] == "cold" and "partition_stopped" not in fleet.logs()


def test_a_topic_created_anew_is_not_taken_for_the_old_one(
    kafka: KafkaCluster, fleet: Fleet
) -> None:
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    run_and_die(fleet, tap)
    answered = tap.count
    admin = kafka.admin()
    admin.delete_topics([fleet.ticks])[fleet.ticks].result(30)
    fleet.wait_for(
        lambda: not admin.list_topics(timeout=10).topics.get(fleet.ticks), 20, "no topic"
    )
    kafka.create_topic(partitions=1, name=fleet.ticks)
    # As many ticks as before: by their offsets alone they look answered.
    produce(kafka, fleet.ticks, random_ticks(2 * COUNT, 10, seed=5))
    worker = fleet.start("w-0")
    fleet.wait_for(lambda: "partition_stopped" in fleet.logs(), 40, "the partition to stop")
    assert "created anew" in fleet.logs()
    assert worker.terminate() == 0
    assert tap.count == answered
    tap.close()


def test_another_configuration_is_refused_by_name(kafka: KafkaCluster, fleet: Fleet) -> None:
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    run_and_die(fleet, tap)
    worker = fleet.start("w-0", predictor={"cusum_h": 9.0})
    # This configuration's program may have to be compiled first.
    fleet.wait_for(lambda: "partition_stopped" in fleet.logs(), 120, "the partition to stop")
    assert "cusum_h" in fleet.logs()
    assert worker.terminate() == 0
    tap.close()


@pytest.mark.s3
def test_ticks_go_on_while_the_store_is_out_of_reach(
    kafka: KafkaCluster, make_fleet: MakeFleet, s3_endpoint: str, bucket: str
) -> None:
    ticks = kafka.create_topic("ticks", partitions=2)
    with faulty_proxy(s3_endpoint) as (url, plan):
        options = StoreOptions(endpoint_url=url, region="us-east-1", addressing_style="path")
        fleet = make_fleet(
            "fleet",
            ticks,
            2,
            snapshot_url=f"s3://{bucket}/fleet",
            store_options=asdict(options),
            snapshot_interval_s=0.3,
        )
        tap = Tap(kafka, fleet.topics["predictions"], 2)
        worker = fleet.start("w-0")
        produce(kafka, ticks, random_ticks(1_000, 10, seed=1))
        fleet.wait_for(lambda: tap.count >= 1_000, 40, "results")
        fleet.wait_for(lambda: "snapshot_durable" in fleet.logs(), 20, "a snapshot")
        # Six seconds at an interval of 0.3 s: twenty snapshots fail, where a minute at the default
        # interval of 10 s would cost six. `tests/chaos/long_catalogue.py` has the minute.
        plan.then = Fault.CUT
        produce(kafka, ticks, random_ticks(3_000, 10, seed=2), per_second=500)
        fleet.wait_for(lambda: tap.count >= 4_000, 60, "results without a store")
        assert "snapshot_failed" in fleet.logs()
        assert sum(worker.metric("tickfleet_snapshot_failures_total")) > 0
        age_s = max(worker.metric("tickfleet_snapshot_age_seconds"))
        # Told once a second. Of the newest try it would be 1.3 s at most.
        assert age_s > 2.5, "the age is that of what is durable, however often a write is tried"
        stalled = {p: tp.offset for p, tp in fleet.committed().items()}
        plan.then = Fault.NONE
        fleet.wait_for(
            lambda: all(tp.offset > stalled[p] for p, tp in fleet.committed().items()),
            60,
            "snapshots to resume",
        )
        fleet.wait_for(
            lambda: max(worker.metric("tickfleet_snapshot_age_seconds")) < 2.0, 20, "a low age"
        )
        fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, 2, 4_000)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    assert verdict(accepted, tap.records).holds


def test_sigterm_under_load_exits_in_order_and_the_next_start_replays_nothing(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    count = 60_000
    ticks = kafka.create_topic("ticks", partitions=4)
    fleet = make_fleet("fleet", ticks, 4)
    tap = Tap(kafka, fleet.topics["predictions"], 4)
    worker = fleet.start("w-0")
    feeder = threading.Thread(
        target=produce,
        args=(kafka, ticks, random_ticks(count, 50, seed=9)),
        kwargs={"per_second": 5_000},
    )
    fleet.wait_for(lambda: fleet.lives("w-0") == 1, 60, "the worker to join")
    feeder.start()
    fleet.wait_for(
        lambda: tap.count >= count // 6 and len(tap.records) == 4, 60, "load on every partition"
    )
    begun_s = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(25) == 0, fleet.log_ends()
    assert time.monotonic() - begun_s < 25
    answered = {p: tp.offset for p, tp in fleet.committed().items()}
    worker = fleet.start("w-0")
    fleet.wait_for(lambda: fleet.lives("w-0") == 2, 60, "the next life")
    fleet.wait_for(lambda: tap.count >= count, 60, f"{count} results")
    feeder.join()
    assert worker.terminate() == 0
    tap.close()
    recovered = re.findall(
        r"partition_recovered\s+answered_to=(-?\d+) .*partition=(\d+) snapshot_offset=(\d+)",
        fleet.logs(),
    )[-4:]
    assert {partition for _, partition, _ in recovered} == set("0123")
    for answered_to, partition, snapshot_offset in recovered:
        assert int(snapshot_offset) == int(answered_to) + 1 == answered[int(partition)]
    inputs = read_topic(kafka, ticks, 4, count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    assert verdict(accepted, tap.records).holds


def test_a_recovery_that_hangs_does_not_hold_up_a_stop(
    kafka: KafkaCluster, make_fleet: MakeFleet, ticks: str
) -> None:
    fleet = make_fleet("fleet", ticks, 1, stop_timeout_s=3.0)
    worker = fleet.start("w-0", fault="before_restore:hang")
    fleet.wait_for(lambda: "partitions_assigned" in fleet.logs(), 40, "the assignment")
    time.sleep(1.0)
    worker.signal(signal.SIGTERM)
    assert worker.wait(25) == 0
    assert "shutdown_phase=done" in fleet.logs()


def test_a_second_signal_ends_the_process_at_once(
    kafka: KafkaCluster, make_fleet: MakeFleet, ticks: str
) -> None:
    fleet = make_fleet("fleet", ticks, 1)
    worker = fleet.start("w-0", fault="before_upload:stall")
    feed(fleet, 0, COUNT)
    fleet.wait_for(lambda: "partition_live" in fleet.logs(), 40, "a live partition")
    time.sleep(2.0)
    worker.signal(signal.SIGTERM)
    time.sleep(0.5)
    worker.signal(signal.SIGTERM)
    assert worker.wait(5) == 128 + signal.SIGTERM
