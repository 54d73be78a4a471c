"""Under the wall clock and load shedding, results are a function of the ticks and the journal.

A fleet is killed on the way; then every micro-batch that the journal names is stepped again in
this process, under its recorded decision, and must give the bytes that subscribers saw.
"""

import pytest

from core import PredictorConfig
from ops.records.follow import StartAt, follow
from schemas import JournalCodec, JournalRecord, SingleObjectFraming, TickCodec
from tests.fixtures.batches import recomputed
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import Tap, TapRecord, read_topic
from workers.batching.pipeline import Pipeline
from workers.compute.state_table import StateTable

pytestmark = pytest.mark.kafka
CONFIG = PredictorConfig()
FRAMING = SingleObjectFraming()


def journal_of(kafka: KafkaCluster, topic: str, partition: int) -> list[JournalRecord]:
    codec = JournalCodec(FRAMING)
    options = {"bootstrap.servers": kafka.bootstrap}
    messages = follow(topic, options=options, start=StartAt.BEGINNING, stop_at_end=True)
    return [codec.decode(m.value() or b"") for m in messages if m.partition() == partition]


def replayed(ticks: str, inputs: list[TapRecord], journal: list[JournalRecord]) -> list[bytes]:
    """The results of one partition's micro-batches, stepped again one by one."""
    pipeline = Pipeline(CONFIG, StateTable(CONFIG, "float64"), TickCodec(FRAMING), ticks)
    return list(recomputed(pipeline, inputs, journal))


def test_a_killed_fleets_results_are_what_its_journal_says(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    count = 4_000
    # One partition, so that a batch is one journal record and the source partition is 0.
    ticks = kafka.create_topic("ticks", partitions=1)
    produce(kafka, ticks, random_ticks(count, 20, seed=13))
    fleet = make_fleet(
        "fleet",
        ticks,
        1,
        processing_clock="wall",
        load_shedding=True,
        snapshot_interval_s=0.2,
        max_batch_records=100,
        commit_interval_ms=5,
    )
    tap = Tap(kafka, fleet.topics["predictions"], 1)
    for fault in ("after_commit:kill:9", "before_commit:kill:9"):
        victim = fleet.start("w-0", fault=fault)
        fleet.wait_for(lambda: not victim.running, 60, f"death at {fault}")  # noqa: B023
    assert 0 < tap.count < count
    fleet.start("w-0")
    fleet.wait_for(lambda: tap.count >= count, 60, f"{count} results")
    fleet.stop()
    tap.close()
    journal = journal_of(kafka, fleet.topics["journal"], 0)
    assert len({record.processing_time_ns for record in journal}) > 10
    inputs = read_topic(kafka, ticks, 1, count)[0]
    assert replayed(ticks, inputs, journal) == [r.value for r in tap.records[0]]
