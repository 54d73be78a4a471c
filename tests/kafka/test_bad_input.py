"""Bad records become dead letters with the reason and the original bytes; all else goes on."""

import math
import time

import numpy as np
import pytest
from confluent_kafka import Producer

from schemas import SingleObjectFraming, TickCodec
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.tap import Tap, read_topic
from tests.kafka.verdict import verdict
from tests.schemas.reference import decode

pytestmark = pytest.mark.kafka
NOW_NS = 1_700_000_000_000_000_000
CODEC = TickCodec(SingleObjectFraming())


def tick(price: float, asset: str = "bad") -> bytes:
    return CODEC.encode(asset, price, price, NOW_NS)


BAD: dict[str, tuple[bytes | None, bytes | None]] = {
    "empty value": (b"bad", b""),
    "random bytes": (b"bad", bytes(range(256))),
    "unknown schema": (b"bad", b"\xc3\x01" + b"\x07" * 8 + tick(1.0)[10:]),
    "cut short": (b"bad", tick(1.0)[:-3]),
    "bytes left over": (b"bad", tick(1.0) + b"x"),
    "null key": (None, tick(1.0)),
    "another key": (b"other", tick(1.0)),
    "tombstone": (b"bad", None),
    "NaN": (b"bad", tick(math.nan)),
    "infinite": (b"bad", tick(math.inf)),
    "negative": (b"bad", tick(-1.0)),
    "zero": (b"bad", tick(0.0)),
    "one megabyte": (b"bad", b"\x00" * 1_000_000),
}


def test_every_kind_of_bad_record_is_buried_with_its_reason(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    count = 1_000
    ticks = kafka.create_topic("ticks", partitions=1)
    good = random_ticks(count, 10, seed=6)
    produce(kafka, ticks, good)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.max.bytes": 2_000_000})
    for key, value in BAD.values():
        producer.produce(ticks, key=key, value=value, headers=[("trace", b"\x00\xff")])
    assert producer.flush(30) == 0
    produce(kafka, ticks, random_ticks(count, 10, seed=7))

    fleet = make_fleet("fleet", ticks, 1)
    letters = Tap(kafka, fleet.topics["dead_letters"], 1)
    worker = fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], 1, 2 * count)
    fleet.wait_for(lambda: letters.count >= len(BAD), 20, "the dead letters")
    assert worker.terminate() == 0
    letters.close()

    inputs = read_topic(kafka, ticks, 1, 2 * count + len(BAD))[0]
    bad_offsets = [r.offset for r in inputs if (r.key, r.value) in BAD.values()]
    accepted = {0: [r.offset for r in inputs if r.offset not in set(bad_offsets)]}
    assert len(bad_offsets) == len(BAD)
    report = verdict(accepted, results, dead={0: bad_offsets}, letters=letters.records[0])
    assert report.holds and report.results == 2 * count, report
    for record, (name, (key, value)) in zip(letters.records[0], BAD.items(), strict=True):
        letter = decode("DeadLetter", record.value or b"")
        assert (letter["key"], letter["value"]) == (key, value), name
        assert letter["headers"] == [{"key": "trace", "value": b"\x00\xff"}]
        assert letter["error_class"] and letter["message"], name
        assert letter["source_topic"] == ticks

    # The neighbours' results are what they would be had the bad records never been there.
    clean = kafka.create_topic("ticks", partitions=1)
    produce(kafka, clean, good)
    produce(kafka, clean, random_ticks(count, 10, seed=7))
    calm = make_fleet("calm", clean, 1)
    calm.start("w-0")
    expected = read_topic(kafka, calm.topics["predictions"], 1, 2 * count)
    calm.stop()
    cause = {"source_topic", "source_offset"}
    for ours, theirs in zip(results[0], expected[0], strict=True):
        left = decode("PredictionResult", ours.value or b"")
        right = decode("PredictionResult", theirs.value or b"")
        same = {k: repr(v) for k, v in left.items() if k not in cause}
        assert same == {k: repr(v) for k, v in right.items() if k not in cause}


def test_a_topic_of_nothing_but_bad_records_kills_nobody(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for number in range(3_000):
        producer.produce(ticks, key=b"k", value=b"nonsense", partition=number % 2)
    assert producer.flush(30) == 0
    fleet = make_fleet("fleet", ticks, 2)
    letters = Tap(kafka, fleet.topics["dead_letters"], 1)
    worker = fleet.start("w-0")
    fleet.wait_for(lambda: letters.count >= 3_000, 40, "3000 dead letters")
    assert worker.terminate() == 0
    time.sleep(0.2)
    letters.close()
    assert letters.count == 3_000
    assert {p: c.offset for p, c in fleet.committed().items()} == {0: 1_500, 1: 1_500}


def test_a_record_larger_than_any_letter_is_cut_and_the_rest_goes_on(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    count, huge = 200, np.random.default_rng(1).bytes(9_000_000)
    ticks = kafka.create_topic("ticks", partitions=1, config={"max.message.bytes": "12000000"})
    produce(kafka, ticks, random_ticks(count, 10, seed=6))
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.max.bytes": 11_000_000})
    producer.produce(ticks, huge, b"bad")
    assert producer.flush(30) == 0
    produce(kafka, ticks, random_ticks(count, 10, seed=7))
    fleet = make_fleet("fleet", ticks, 1)
    worker = fleet.start("w-0")
    read_topic(kafka, fleet.topics["predictions"], 1, 2 * count)
    [record] = read_topic(kafka, fleet.topics["dead_letters"], 1, 1)[0]
    assert worker.terminate() == 0
    letter = decode("DeadLetter", record.value)
    assert (letter["source_offset"], letter["key"]) == (count, b"bad")
    assert 3_990_000 < len(letter["value"]) < 4_000_000  # as the topic has it
    assert huge.startswith(letter["value"])
    assert "9000000 bytes of value" in letter["message"]
    assert fleet.logs().count("outputs_uncertain") == 0
