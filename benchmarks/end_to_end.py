"""From Kafka to Kafka: one worker on one core against a hand-written loop on the same core.

`python -m benchmarks.end_to_end [TICKS]` (default 1,000,000 of 1000 assets over 8 partitions).
Rates come from the timestamps of the first and last result; CPU from the process's own clock.
"""

import os
import subprocess
import sys
import time
from typing import Any

import psutil

from benchmarks._kafka import WORKER_CORE, print_table, quick_broker, topic_end, topic_span
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet

_PARTITIONS = 8
_ASSETS = 1_000
_CASES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("at least once", "float32", {"delivery": "at_least_once", "commit_interval_ms": 25}),
    ("at least once", "float64", {"delivery": "at_least_once", "commit_interval_ms": 25}),
    ("exactly once, 25 ms", "float32", {"commit_interval_ms": 25}),
    ("exactly once, 100 ms", "float32", {"commit_interval_ms": 100}),
    ("exactly once, 25 ms", "float64", {"commit_interval_ms": 25}),
    ("exactly once, 100 ms", "float64", {"commit_interval_ms": 100}),
)


def _await(process: psutil.Process, kafka: KafkaCluster, topic: str, count: int) -> float:
    """CPU seconds of the process when the topic holds `count` records or markers on top."""
    while True:
        used_s = sum(process.cpu_times()[:2])
        if topic_end(kafka, topic, _PARTITIONS) >= count:
            return float(used_s)
        time.sleep(0.25)


def _loop(kafka: KafkaCluster, ticks: str, count: int) -> tuple[float, float]:
    output = kafka.create_topic("ewma", partitions=_PARTITIONS)
    arguments = [kafka.bootstrap, ticks, output, str(count)]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._ewma_loop", *arguments])
    os.sched_setaffinity(process.pid, {WORKER_CORE})
    status = psutil.Process(process.pid)
    used_s = 0.0
    while process.poll() is None:
        used_s = sum(status.cpu_times()[:2])
        time.sleep(0.1)
    _, span_s = topic_span(kafka, output, _PARTITIONS)
    return count / span_s, used_s / count * 1e6


def _worker(fleet: Fleet, count: int) -> tuple[float, float]:
    worker = fleet.start("w-0")
    os.sched_setaffinity(worker.pid, {WORKER_CORE})
    process = psutil.Process(worker.pid)
    fleet.wait_for(lambda: "partition_live" in fleet.logs(), 120, "the worker to go live")
    before_s = sum(process.cpu_times()[:2])
    used_s = _await(process, fleet.kafka, fleet.topics["predictions"], count) - before_s
    fleet.stop()
    _, span_s = topic_span(fleet.kafka, fleet.topics["predictions"], _PARTITIONS)
    return count / span_s, used_s / count * 1e6


def exactly_once_cpu_us(count: int) -> float:
    """CPU a tick of one worker under the default settings, in microseconds."""
    with quick_broker(pinned=True) as (kafka, folder):
        ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
        produce(kafka, ticks, random_ticks(count, _ASSETS, seed=1))
        fleet = Fleet(
            kafka, folder / "fleet", ticks, _PARTITIONS, {"snapshot_interval_s": 10.0}, "spawn"
        )
        return _worker(fleet, count)[1]


def main(count: int) -> None:
    """Run every case and print the table."""
    with quick_broker(pinned=True) as (kafka, folder):
        ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
        produce(kafka, ticks, random_ticks(count, _ASSETS, seed=1))
        # A broker that has just started is slow: whoever is measured first would pay for it.
        _loop(kafka, ticks, count)
        base, base_cpu = _loop(kafka, ticks, count)
        rows: list[tuple[object, ...]] = [
            ("hand-written EWMA loop", "float64", f"{base:,.0f}", "1.00", f"{base_cpu:.1f}")
        ]
        for number, (name, dtype, settings) in enumerate(_CASES):
            options = {"dtype": dtype, "snapshot_interval_s": 10.0, **settings}
            fleet = Fleet(kafka, folder / str(number), ticks, _PARTITIONS, options, "spawn")
            rate, cpu = _worker(fleet, count)
            rows.append((name, dtype, f"{rate:,.0f}", f"{rate / base:.2f}", f"{cpu:.1f}"))
    title = f"{count:,} ticks, {_ASSETS} assets, {_PARTITIONS} partitions, one core"
    print_table(title, ("", "state", "ticks/s", "against the loop", "CPU µs a tick"), rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
