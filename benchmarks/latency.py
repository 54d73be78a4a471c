"""Tick to visible result, as a read_committed subscriber sees it, at a light load.

`python -m benchmarks.latency [SECONDS]`: 1,000 ticks/s of 100 assets over 8 partitions; each
tick carries the time it was handed to the producer.
"""

import sys
import threading
import time

import numpy as np
from confluent_kafka import Producer

from benchmarks._kafka import print_table, quick_broker
from schemas import ResultCodec, SingleObjectFraming, TickCodec
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap

_PARTITIONS = 8
_RATE = 1_000.0
_CASES = (("exactly_once", 25), ("exactly_once", 100), ("at_least_once", 5))


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


def _measure(kafka: KafkaCluster, fleet: Fleet, seconds: float) -> tuple[float, ...]:
    tap = Tap(kafka, fleet.topics["predictions"], _PARTITIONS)
    fleet.start("w-0")
    fleet.wait_for(lambda: fleet.logs().count("partition_live") == _PARTITIONS, 120, "live")
    offset_s = time.time() - time.monotonic()
    sent: list[int] = []
    feeder = threading.Thread(target=lambda: sent.append(_feed(kafka, fleet.ticks, seconds)))
    feeder.start()
    feeder.join()
    fleet.wait_for(lambda: tap.count >= sent[0], 30, "all results")
    fleet.stop()
    tap.close()
    codec = ResultCodec(SingleObjectFraming())
    waits_ms = []
    for records in tap.records.values():
        for record in records:
            stamped_ns = codec.decode(record.value or b"")["timestamp_ns"]
            waits_ms.append((record.seen_s + offset_s) * 1e3 - stamped_ns / 1e6)
    # The first second warms caches and connections up.
    return tuple(np.percentile(waits_ms[int(_RATE) :], [50, 90, 99]).tolist())


def main(seconds: float) -> None:
    """Run both guarantees and print the table."""
    rows: list[tuple[object, ...]] = []
    with quick_broker(pinned=False) as (kafka, folder):
        for delivery, interval_ms in _CASES:
            ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
            settings = {
                "delivery": delivery,
                "commit_interval_ms": interval_ms,
                "processing_clock": "wall",
                "load_shedding": True,
                "snapshot_interval_s": 5.0,
                "producer": {"linger.ms": "0"},
            }
            fleet = Fleet(kafka, folder / f"{delivery}-{interval_ms}", ticks, _PARTITIONS, settings)
            p50, p90, p99 = _measure(kafka, fleet, seconds)
            rows.append((delivery, interval_ms, f"{p50:.1f}", f"{p90:.1f}", f"{p99:.1f}"))
    print_table(
        f"tick to visible result, ms, at {_RATE:,.0f} ticks/s",
        ("delivery", "commit interval ms", "p50", "p90", "p99"),
        rows,
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 15.0)
