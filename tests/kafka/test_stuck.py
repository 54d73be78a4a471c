"""A step that hangs: the process ends by itself, says where it hung, and another takes over."""

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import Tap, read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("point", ["after_step", "before_commit"])
def test_a_hanging_worker_exits_and_its_partitions_go_on_elsewhere(
    kafka: KafkaCluster, make_fleet: MakeFleet, point: str
) -> None:
    count, partitions = 4_000, 2
    ticks = kafka.create_topic("ticks", partitions=partitions)
    fleet = make_fleet(
        "fleet", ticks, partitions, session_timeout_ms=2_000, transaction_timeout_ms=3_000
    )
    tap = Tap(kafka, fleet.topics["predictions"], partitions)
    small = {"max_batch_records": 100, "commit_interval_ms": 5}
    stuck = fleet.start("stuck", fault=f"{point}:hang:10", stuck_after_s=3.0, **small)
    produce(kafka, ticks, random_ticks(count, 20, seed=8))
    fleet.wait_for(lambda: not stuck.running, 60, "the stuck worker's end")
    assert stuck.wait(0) == 1
    assert 0 < tap.count < count
    log = stuck.log.read_text()
    assert "Timeout (0:00:03)!" in log and "faults.py" in log, log[-2000:]
    fleet.start("heir")
    fleet.wait_for(lambda: tap.count >= count, 60, f"{count} results")
    fleet.stop()
    tap.close()
    inputs = read_topic(kafka, ticks, partitions, count)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    report = verdict(accepted, tap.records)
    assert report.holds and report.results == count, report
