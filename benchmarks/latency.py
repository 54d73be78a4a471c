"""Tick to visible result, as a read_committed subscriber sees it, at a light load.

`python -m benchmarks.latency [SECONDS]`: 1,000 ticks/s of 100 assets over 8 partitions for
SECONDS (default 30) a case; each tick carries the time it was handed to the producer. Two rows a
case: while the broker's JVM compiles itself, and after.
"""

import sys
import threading
import time
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer
from jaxtyping import Bool, Float

from benchmarks._kafka import print_table, quick_broker
from schemas import ResultCodec, SingleObjectFraming, TickCodec
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap

_PARTITIONS = 8
_RATE = 1_000.0
_WARM_UP_SHARE = 2 / 3
_CASES = (("exactly_once", 25), ("exactly_once", 100), ("at_least_once", 5))


class Waits(NamedTuple):
    """Milliseconds of each tick, in order of arrival.

    Attributes:
        sent_s: when the tick was handed to its producer, seconds after the first.
        taken: until the worker took it from its consumer.
        visible: until a subscriber had the result.
    """

    sent_s: Float[np.ndarray, "ticks"]
    taken: Float[np.ndarray, "ticks"]
    visible: Float[np.ndarray, "ticks"]


def _feed(kafka: KafkaCluster, topic: str, seconds: float) -> int:
    codec = TickCodec(SingleObjectFraming())
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 1})
    rng = np.random.default_rng(1)
    begun_s, sent = time.monotonic(), 0
    while time.monotonic() < begun_s + seconds:
        asset = f"asset-{rng.integers(100):03d}"
        price = float(100.0 + rng.standard_normal())
        value = codec.encode(asset, price, price, time.time_ns())
        producer.produce(topic, value, asset.encode())
        producer.poll(0)
        sent += 1
        time.sleep(max(0.0, begun_s + sent / _RATE - time.monotonic()))
    producer.flush()
    return sent


def _measure(kafka: KafkaCluster, fleet: Fleet, seconds: float) -> Waits:
    tap = Tap(kafka, fleet.topics["predictions"], _PARTITIONS)
    fleet.start("w-0")
    fleet.wait_for(lambda: fleet.logs().count("partition_live") == _PARTITIONS, 120, "live")
    wall_ns = time.time_ns() - time.monotonic_ns()
    sent: list[int] = []
    feeder = threading.Thread(target=lambda: sent.append(_feed(kafka, fleet.ticks, seconds)))
    feeder.start()
    feeder.join()
    fleet.wait_for(lambda: tap.count >= sent[0], 30, "all results")
    fleet.stop()
    tap.close()
    codec = ResultCodec(SingleObjectFraming())
    records = [record for partition in tap.records.values() for record in partition]
    results = [codec.decode(record.value or b"") for record in records]
    sent_ns = np.array([result["timestamp_ns"] for result in results])
    taken_ns = np.array([result["processing_time_ns"] for result in results])
    seen_ns = np.array([round(record.seen_s * 1e9) + wall_ns for record in records])
    return Waits(
        sent_s=(sent_ns - sent_ns.min()) / 1e9,
        taken=(taken_ns - sent_ns) / 1e6,
        visible=(seen_ns - sent_ns) / 1e6,
    )


def _row(
    case: tuple[str, int], when: str, waits: Waits, chosen: Bool[np.ndarray, "ticks"]
) -> tuple[str, ...]:
    figures = [
        np.percentile(waits.taken[chosen], 50),
        *np.percentile(waits.visible[chosen], [50, 90, 99]),
    ]
    return (f"{case[0]}, {case[1]} ms", when, *(f"{figure:.1f}" for figure in figures))


def main(seconds: float) -> None:
    """Run every case and print the table."""
    rows: list[tuple[object, ...]] = []
    with quick_broker() as (kafka, folder):
        for case in _CASES:
            delivery, interval_ms = case
            ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
            settings = {
                "delivery": delivery,
                "commit_interval_ms": interval_ms,
                "processing_clock": "wall",
                "load_shedding": True,
                "snapshot_interval_s": 5.0,
                "producer": {"linger.ms": "0"},
            }
            fleet = Fleet(
                kafka, folder / f"{delivery}-{interval_ms}", ticks, _PARTITIONS, settings, "spawn"
            )
            waits = _measure(kafka, fleet, seconds)
            cold = waits.sent_s < seconds * _WARM_UP_SHARE
            rows.append(_row(case, f"first {seconds * _WARM_UP_SHARE:.0f} s", waits, cold))
            rows.append(_row(case, "after", waits, ~cold))
    print_table(
        f"ms from tick to the worker and to its visible result, {_RATE:,.0f} ticks/s",
        ("delivery, commit interval", "when", "worker p50", "p50", "p90", "p99"),
        rows,
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
