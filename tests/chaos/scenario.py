"""A scenario: load, workers, settings and faults. Data only; a seed reproduces its schedule."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.faults import Fault, KillWorker
from workers import Delivery

__all__ = ["Scenario", "random_kills"]


@dataclass(frozen=True)
class Scenario:
    """What is played.

    Attributes:
        name: also the test's id.
        faults: what goes wrong.
        workers: how many start with.
        partitions: of the ticks topic.
        assets: how many take turns.
        seconds: how long ticks come.
        per_second: how many come.
        bad_share: share of records that are no ticks.
        untimely_share: share of ticks that come twice, seconds late.
        hot_share: share of ticks that are one asset's.
        settings: fields of `WorkerConfig` other than the tests' defaults.
        s3: keep snapshots in an S3 endpoint instead of a folder.
        seed: of the ticks.
        own_brokers: how many brokers of its own it needs, 1 or 3; 0 shares the session's.
        disk_mib: keep snapshots on a disk of this size; 0 for a folder as large as its disk.
        steadfast: no worker may end by itself.
        proxied: workers reach their broker through a proxy that can lose answers.
        settle_s: how long the last answer may take after the last tick and fault.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    workers: int = 2
    partitions: int = 4
    assets: int = 40
    seconds: float = 10.0
    per_second: float = 300.0
    bad_share: float = 0.0
    untimely_share: float = 0.0
    hot_share: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    s3: bool = False
    seed: int = 1
    own_brokers: int = 0
    disk_mib: int = 0
    steadfast: bool = False
    proxied: bool = False
    settle_s: float = 90.0

    @property
    def at_least_once(self) -> bool:
        """Whether answers may come again after a crash."""
        return bool(self.settings.get("delivery") == Delivery.AT_LEAST_ONCE)

    @property
    def commit_interval_s(self) -> float:
        """What a crash may repeat."""
        return float(self.settings["commit_interval_ms"]) / 1000


def random_kills(seed: int, workers: int, kills: int, seconds: float) -> tuple[Fault, ...]:
    """Kill -9 of random workers at random moments, some with a pause before the restart."""
    rng = random.Random(seed)
    moments = sorted(rng.uniform(0.0, seconds) for _ in range(kills))
    return tuple(
        KillWorker(at_s, f"w-{rng.randrange(workers)}", rng.choice([0.0, 0.0, 1.0, 4.0]))
        for at_s in moments
    )
