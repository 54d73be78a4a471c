"""Seeded ticks for the tests that need Kafka."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Producer
from jaxtyping import Float64, Int64
from numpy import ndarray

from schemas import SingleObjectFraming, TickCodec
from tests.fixtures.kafka import KafkaCluster

__all__ = ["Ticks", "produce", "random_ticks", "ticks_that_turn_rough"]


@dataclass(frozen=True)
class Ticks:
    """Columns of ticks in the order they are produced."""

    asset: list[str]
    price: Float64[ndarray, " ticks"]
    timestamp_ns: Int64[ndarray, " ticks"]

    def values(self) -> list[bytes]:
        """The ticks as Kafka values."""
        codec = TickCodec(SingleObjectFraming())
        return codec.encode_batch(self.asset, self.price, self.price, self.timestamp_ns)


def random_ticks(count: int, assets: int, seed: int, *, hot_share: float = 0.0) -> Ticks:
    """Log-normal walks with a jump now and then; assets take turns at random.

    Args:
        count: ticks.
        assets: how many.
        seed: fixes everything.
        hot_share: share of ticks that the first asset takes before turns are taken.
    """
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, assets, count)
    if hot_share:
        picked[rng.random(count) < hot_share] = 0
    steps = rng.standard_normal(count) * 1e-4 + (rng.random(count) < 1e-3) * 5e-3
    price = np.empty(count)
    for asset in range(assets):
        mine = picked == asset
        price[mine] = (10.0 + asset) * np.exp(np.cumsum(steps[mine]))
    timestamp_ns = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(1, 2_000_000, count))
    return Ticks([f"asset-{a:05d}" for a in picked.tolist()], price, timestamp_ns)


def ticks_that_turn_rough(*assets: str) -> Ticks:
    """Random walks of 900 ticks that then only bounce, for 500: EmergencyMode rises. In turns."""
    noise = np.random.default_rng(4).standard_normal(1_400)
    noise[900:] = np.diff(np.random.default_rng(5).standard_normal(501))
    price = np.repeat(1000.0 + np.cumsum(noise), len(assets))
    moment = np.repeat(np.arange(noise.size), len(assets))
    return Ticks([*assets] * noise.size, price, 1_700_000_000_000_000_000 + moment * 10**6)


def produce(
    kafka: KafkaCluster,
    topic: str,
    ticks: Ticks,
    *,
    per_second: float | None = None,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Produce ticks keyed by asset, at a rate or as fast as possible; returns how many."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "linger.ms": 5,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
        }
    )
    values = ticks.values()
    begun_s = time.monotonic()
    chunk = 200
    for start in range(0, len(values), chunk):
        if until():
            return start
        for key, value in zip(
            ticks.asset[start : start + chunk], values[start : start + chunk], strict=True
        ):
            producer.produce(topic, key=key.encode(), value=value)
        producer.poll(0)
        if len(producer) > 50_000:
            producer.flush(30)
        if per_second is not None:
            time.sleep(max(0.0, begun_s + (start + chunk) / per_second - time.monotonic()))
    assert producer.flush(60) == 0
    return len(values)
