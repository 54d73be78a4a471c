"""In the middle of a rolling upgrade: an older worker takes over what a newer one answered."""

import pytest

from schemas import JournalCodec, SingleObjectFraming, UndecodableError
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka
TICKS = 400


def test_an_older_worker_goes_on_behind_a_newer_one_that_was_killed(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks")
    # No snapshot but the first: all that is known of the answers is in the journal.
    fleet = make_fleet("fleet", ticks, 1, snapshot_interval_s=3_600.0)
    produce(kafka, ticks, random_ticks(TICKS, 5, seed=1))
    newer = fleet.start("w-0", release="writes")
    read_topic(kafka, fleet.topics["predictions"], 1, TICKS)
    newer.kill()
    fleet.start("w-1", release="knows")
    produce(kafka, ticks, random_ticks(TICKS, 5, seed=2))
    results = read_topic(kafka, fleet.topics["predictions"], 1, 2 * TICKS)
    fleet.stop()
    accepted = {0: [record.offset for record in read_topic(kafka, ticks, 1, 2 * TICKS)[0]]}
    report = verdict(accepted, results)
    assert report.holds and report.results == 2 * TICKS, report

    # The journal has records of both releases; this one knows its own alone.
    journal = read_topic(kafka, fleet.topics["journal"], 1, 2)[0]
    codec = JournalCodec(SingleObjectFraming())
    with pytest.raises(UndecodableError, match="no known schema has the fingerprint"):
        codec.decode(journal[0].value or b"")
    assert codec.decode(journal[-1].value or b"").to_offset == accepted[0][-1]
