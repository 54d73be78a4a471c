"""One worker, one pass: the shortest way from ticks to results and back to state."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import read_topic
from tests.kafka.verdict import decode, verdict

pytestmark = pytest.mark.kafka
PARTITIONS = 4
TICKS = 5_000


@pytest.fixture
def fleet(kafka: KafkaCluster, tmp_path: Path) -> Iterator[Fleet]:
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = Fleet(kafka, tmp_path / "fleet", ticks, PARTITIONS)
    yield fleet
    fleet.kill_all()


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
@pytest.mark.parametrize("group_protocol", ["classic", "consumer"])
def test_every_tick_is_answered_and_the_stop_leaves_nothing_to_replay(
    fleet: Fleet, kafka: KafkaCluster, delivery: str, group_protocol: str
) -> None:
    fleet.settings = {"delivery": delivery, "group_protocol": group_protocol}
    produce(kafka, fleet.ticks, random_ticks(TICKS, 50, seed=1))
    worker = fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], PARTITIONS, TICKS)
    inputs = read_topic(kafka, fleet.ticks, PARTITIONS, TICKS)
    assert worker.terminate() == 0, fleet.logs()
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    assert verdict(accepted, results).holds
    committed = fleet.committed()
    assert {p: c.offset for p, c in committed.items()} == {
        p: offsets[-1] + 1 for p, offsets in accepted.items()
    }
    assert len(fleet.state_digests()) == PARTITIONS
    first = decode("PredictionResult", results[0][0].value or b"")
    assert first["sequence"] == 1 and first["source_topic"] == fleet.ticks
