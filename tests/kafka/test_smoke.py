"""One worker, one pass: the shortest way from ticks to results and back to state."""

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import read_topic
from tests.kafka.verdict import verdict
from tests.schemas.reference import decode

pytestmark = pytest.mark.kafka
PARTITIONS = 4
TICKS = 5_000


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
@pytest.mark.parametrize("group_protocol", ["classic", "consumer"])
def test_every_tick_is_answered_and_the_stop_leaves_nothing_to_replay(
    kafka: KafkaCluster, make_fleet: MakeFleet, delivery: str, group_protocol: str
) -> None:
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = make_fleet("fleet", ticks, PARTITIONS, delivery=delivery, group_protocol=group_protocol)
    produce(kafka, fleet.ticks, random_ticks(TICKS, 50, seed=1))
    worker = fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], PARTITIONS, TICKS)
    inputs = read_topic(kafka, fleet.ticks, PARTITIONS, TICKS)
    assert worker.terminate() == 0, fleet.log_ends()
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    assert verdict(accepted, results).holds
    committed = fleet.committed()
    assert {p: c.offset for p, c in committed.items()} == {
        p: offsets[-1] + 1 for p, offsets in accepted.items()
    }
    assert len(fleet.state_digests()) == PARTITIONS
    first = decode("PredictionResult", results[0][0].value or b"")
    assert first["sequence"] == 1 and first["source_topic"] == fleet.ticks
