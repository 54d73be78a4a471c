"""Kill -9 at random moments and at every named point: nothing lost, doubled, reordered or wrong.

What a run should look like is not written down but made: an undisturbed single worker reads the
same ticks under the event clock, and every byte of its results and flag events, and the state
at the end, must come out of the disturbed run too.
"""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap, TapRecord, read_topic
from tests.kafka.verdict import verdict
from workers import FAULT_POINTS

pytestmark = pytest.mark.kafka


def by_source(
    records: dict[int, list[TapRecord]],
) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
    """Keys and values in the order in which they are visible, by partition."""
    return {p: [(r.key, r.value) for r in rs] for p, rs in sorted(records.items())}


def flag_values(kafka: KafkaCluster, fleet: Fleet, count: int) -> list[bytes]:
    """All flag events, in an order that does not depend on which worker wrote them first."""
    records = read_topic(kafka, fleet.topics["flags"], 1, count)
    return sorted(r.value or b"" for rs in records.values() for r in rs)


@pytest.fixture
def make_fleet(kafka: KafkaCluster, tmp_path: Path) -> Iterator[object]:
    fleets: list[Fleet] = []

    def make(name: str, ticks: str, partitions: int, **settings: object) -> Fleet:
        fleets.append(Fleet(kafka, tmp_path / name, ticks, partitions, settings))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.kill_all()


@pytest.mark.timeout(400)
def test_two_workers_one_killed_again_and_again(kafka: KafkaCluster, make_fleet) -> None:  # type: ignore[no-untyped-def]
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
    feeder.start()
    for _ in range(kills):
        time.sleep(rng.uniform(2.0, 6.0))
        victim.kill()
        victim = fleet.start("w-1")
    feeder.join()
    fleet.wait_for(lambda: tap.count >= count, 60, f"{count} results")
    time.sleep(1.0)
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, partitions, count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, tap.records)
    assert report.holds and report.results == count, report
    assert steady.wait(1) == 0

    calm = make_fleet("calm", ticks, partitions)
    calm.start("w-0")
    expected = read_topic(kafka, calm.topics["predictions"], partitions, count, 90)
    calm.stop()
    assert by_source(dict(tap.records)) == by_source(expected)
    assert fleet.state_digests() == calm.state_digests()
    flags = flag_values(kafka, calm, 1)
    assert flag_values(kafka, fleet, len(flags)) == flags


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_kill_at_a_named_point(kafka: KafkaCluster, make_fleet, point: str) -> None:  # type: ignore[no-untyped-def]
    count, partitions = 6_000, 2
    ticks = kafka.create_topic("ticks", partitions=partitions)
    produce(kafka, ticks, random_ticks(count // 2, 20, seed=7))
    fleet = make_fleet("disturbed", ticks, partitions, snapshot_interval_s=0.3)
    tap = Tap(kafka, fleet.topics["predictions"], partitions)
    in_recovery = point in {"before_restore", "during_restore", "after_restore", "during_replay"}
    if in_recovery:
        # Something to restore and to replay first: die after a snapshot, with answers beyond it.
        first = fleet.start("w-0", fault="after_commit:kill:12", max_batch_records=200)
        fleet.wait_for(lambda: not first.running, 40, "the first worker's death")
    passes = {"after_upload": 3, "before_upload": 3, "during_upload": 3}.get(point, 5)
    fault = f"{point}:kill:{1 if in_recovery else passes}"
    victim = fleet.start("w-0", fault=fault, max_batch_records=200)
    produce(kafka, ticks, random_ticks(count - count // 2, 20, seed=8), per_second=1_500)
    fleet.wait_for(lambda: not victim.running, 40, f"death at {point}")
    fleet.start("w-0")
    fleet.wait_for(lambda: tap.count >= count, 40, f"{count} results")
    time.sleep(0.3)
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, partitions, count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, tap.records)
    assert report.holds and report.results == count, f"{report}\n{fleet.logs()}"
    calm = make_fleet("calm", ticks, partitions)
    calm.start("w-0")
    expected = read_topic(kafka, calm.topics["predictions"], partitions, count, 60)
    calm.stop()
    assert by_source(dict(tap.records)) == by_source(expected)
    assert fleet.state_digests() == calm.state_digests()
