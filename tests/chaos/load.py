"""Ticks at a steady rate, with records among them that are no ticks. A seed fixes every byte."""

import time
from typing import Final

import numpy as np
from confluent_kafka import Producer

from tests.chaos.scenario import Scenario
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import random_ticks

__all__ = ["feed"]

_CHUNKS_PER_S: Final = 50
_LATE_NS: Final = 5_000_000_000
_BAD: Final[tuple[tuple[bytes | None, bytes | None], ...]] = (
    (b"asset-00001", b""),
    (b"asset-00001", bytes(range(64))),
    (None, b"\xc3\x01"),
    (b"asset-00002", None),
    (b"asset-00003", b"\x00" * 50_000),
)


def feed(kafka: KafkaCluster, topic: str, scenario: Scenario) -> None:
    """Produce the scenario's load."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "linger.ms": 5,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
        }
    )
    count = round(scenario.seconds * scenario.per_second)
    rng = np.random.default_rng(scenario.seed)
    ticks = random_ticks(count, scenario.assets, scenario.seed, hot_share=scenario.hot_share)
    bad = rng.random(count) < scenario.bad_share
    untimely = rng.random(count) < scenario.untimely_share
    # Event time goes on as wall time does, so that staleness is what it would be live.
    spacing_ns = round(1e9 / scenario.per_second)
    stamps_ns = time.time_ns() + spacing_ns * np.arange(count) - _LATE_NS * untimely
    values = type(ticks)(ticks.asset, ticks.price, stamps_ns).values()
    begun_s = time.monotonic()
    chunk = max(1, round(scenario.per_second / _CHUNKS_PER_S))
    for index in range(count):
        if bad[index]:
            key, value = _BAD[index % len(_BAD)]
            producer.produce(topic, key=key, value=value)
        for _ in range(1 + untimely[index]):
            producer.produce(topic, key=ticks.asset[index].encode(), value=values[index])
        if index % chunk == chunk - 1:
            producer.poll(0)
            due_s = begun_s + (index + 1) / scenario.per_second
            time.sleep(max(0.0, due_s - time.monotonic()))
    if producer.flush(60):
        # A client may never get going again after its broker's return: what it has not delivered
        # by now is no input. What is one, the topic itself says.
        producer.purge()
        producer.flush(10)
