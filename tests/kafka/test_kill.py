"""Kill -9 at random moments and at every named point: nothing lost, doubled, reordered or wrong.

What a run should look like is not written down but made: an undisturbed single worker reads the
same ticks under the event clock, and every byte of its results and flag events, and the state
at the end, must come out of the disturbed run too.
"""

import random
import threading
import time
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap, TapRecord, read_topic
from tests.kafka.verdict import verdict
from workers import FAULT_POINTS

pytestmark = pytest.mark.kafka
Message: TypeAlias = tuple[bytes | None, bytes | None]


def by_source(records: dict[int, list[TapRecord]]) -> dict[int, list[Message]]:
    """Keys and values in the order in which they are visible, by partition."""
    return {p: [(r.key, r.value) for r in rs] for p, rs in sorted(records.items())}


def flag_values(kafka: KafkaCluster, fleet: Fleet, count: int) -> list[bytes]:
    """All flag events, in an order that does not depend on which worker wrote them first."""
    records = read_topic(kafka, fleet.topics["flags"], 1, count)
    return sorted(r.value or b"" for rs in records.values() for r in rs)


@pytest.mark.timeout(600)
def test_two_workers_one_killed_again_and_again(kafka: KafkaCluster, make_fleet: MakeFleet) -> None:
    count, assets, partitions, kills = 200_000, 200, 8, 6
    seed = 20_260_101
    rng = random.Random(seed)
    ticks = kafka.create_topic("ticks", partitions=partitions)
    fleet = make_fleet("disturbed", ticks, partitions)
    tap = Tap(kafka, fleet.topics["predictions"], partitions)
    feeder = threading.Thread(
        target=produce,
        args=(kafka, ticks, random_ticks(count, assets, seed)),
        kwargs={"per_second": count / 25},
    )
    steady = fleet.start("w-0")
    victim = fleet.start("w-1")
    fleet.wait_for(lambda: fleet.lives("w-1") == 1, 120, "two workers")
    feeder.start()
    for life in range(2, kills + 2):
        # Sometimes while it still recovers, sometimes well into its work.
        time.sleep(rng.uniform(0.0, 3.0))
        victim.kill()
        victim = fleet.start("w-1")
        fleet.wait_for(lambda life=life: fleet.lives("w-1") == life, 120, "the next life")  # type: ignore[misc]
    feeder.join()
    fleet.wait_for(lambda: tap.count >= count, 180, f"{count} results")
    time.sleep(1.0)
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, partitions, count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, tap.records)
    assert report.holds and report.results == count, report
    assert steady.wait(1) == 0

    undisturbed = make_fleet("calm", ticks, partitions)
    undisturbed.start("w-0")
    expected = read_topic(kafka, undisturbed.topics["predictions"], partitions, count, 180)
    undisturbed.stop()
    assert by_source(tap.records) == by_source(expected)
    assert fleet.state_digests() == undisturbed.state_digests()
    flags = flag_values(kafka, undisturbed, 1)
    assert flag_values(kafka, fleet, len(flags)) == flags


@dataclass(frozen=True)
class Calm:
    """Ticks that every fault point's fleet reads, and what an undisturbed worker makes of them."""

    ticks: str
    partitions: int
    accepted: dict[int, list[int]]
    results: dict[int, list[Message]]
    digests: dict[int, str]

    @property
    def count(self) -> int:
        """Ticks in total."""
        return sum(len(offsets) for offsets in self.accepted.values())


@pytest.fixture(scope="module")
def calm(kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    count, partitions = 6_000, 2
    ticks = kafka.create_topic("ticks", partitions=partitions)
    produce(kafka, ticks, random_ticks(count, 20, seed=7))
    fleet = Fleet(kafka, tmp_path_factory.mktemp("calm"), ticks, partitions)
    try:
        fleet.start("w-0")
        results = read_topic(kafka, fleet.topics["predictions"], partitions, count)
        fleet.stop()
    finally:
        fleet.kill_all()
    inputs = read_topic(kafka, ticks, partitions, count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    return Calm(ticks, partitions, accepted, by_source(results), fleet.state_digests())


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_kill_at_a_named_point(
    kafka: KafkaCluster, make_fleet: MakeFleet, calm: Calm, point: str
) -> None:
    # Small batches, so that the few seconds of work hold many transactions and snapshots.
    small = {"snapshot_interval_s": 0.2, "max_batch_records": 100, "commit_interval_ms": 5}
    fleet = make_fleet("disturbed", calm.ticks, calm.partitions, **small)
    tap = Tap(kafka, fleet.topics["predictions"], calm.partitions)
    in_recovery = point in {"before_restore", "during_restore", "after_restore", "during_replay"}
    if in_recovery:
        # Something to restore and to replay first: die after a snapshot, with answers beyond it.
        first = fleet.start("w-0", fault="after_commit:kill:25")
        fleet.wait_for(lambda: not first.running, 40, "the first worker's death")
    snapshotting = point in {"before_upload", "during_upload", "after_upload"}
    victim = fleet.start("w-0", fault=f"{point}:kill:{1 if in_recovery or snapshotting else 9}")
    fleet.wait_for(lambda: not victim.running, 40, f"death at {point}")
    assert tap.count < calm.count, "the fault struck too late to prove anything"
    fleet.start("w-0")
    fleet.wait_for(lambda: tap.count >= calm.count, 40, f"{calm.count} results")
    time.sleep(0.3)
    fleet.stop()
    tap.close()
    report = verdict(calm.accepted, tap.records)
    assert report.holds and report.results == calm.count, f"{report}\n{fleet.log_ends()}"
    assert by_source(tap.records) == calm.results
    assert fleet.state_digests() == calm.digests


@pytest.mark.parametrize("point", ["after_produce", "before_commit", "during_commit"])
def test_at_least_once_loses_nothing_and_repeats_one_interval_with_the_same_cause(
    kafka: KafkaCluster, make_fleet: MakeFleet, calm: Calm, point: str
) -> None:
    settings = {
        "delivery": "at_least_once",
        "snapshot_interval_s": 0.2,
        "max_batch_records": 100,
        "commit_interval_ms": 5,
    }
    fleet = make_fleet("fleet", calm.ticks, calm.partitions, **settings)
    tap = Tap(kafka, fleet.topics["predictions"], calm.partitions)
    victim = fleet.start("w-0", fault=f"{point}:kill:9")
    fleet.wait_for(lambda: not victim.running, 40, f"death at {point}")
    fleet.start("w-0")
    fleet.wait_for(lambda: tap.count >= calm.count, 40, f"{calm.count} results")
    time.sleep(0.5)
    fleet.stop()
    tap.close()
    report = verdict(calm.accepted, tap.records)
    assert (report.missing, report.unexpected) == (0, 0), report
    # What was produced and not yet journaled when the worker died: at most what fits between two
    # commits, here a batch or two of 100 records.
    assert report.repeated <= 400, report
    for partition, results in calm.results.items():
        seen = dict.fromkeys((r.key, r.value) for r in tap.records[partition])
        assert list(seen) == results, "a repeated result has the bytes of the first"
    assert fleet.state_digests() == calm.digests
