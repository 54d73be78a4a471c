"""Scenarios made up from a seed, one after another, for the long run."""

import random
from collections.abc import Iterator
from typing import Any, Final

from tests.chaos.faults import (
    AddWorker,
    Fault,
    KillWorker,
    PauseWorker,
    RetireWorker,
    RollWorkers,
)
from tests.chaos.scenario import Scenario, random_kills
from tests.chaos.store_faults import BreakStore
from tests.snapshots.faulty_proxy import Fault as StoreFault

__all__ = ["made_up_scenarios"]

_SECONDS: Final = 30.0
_STORE_FAULTS: Final = (
    StoreFault.ERROR_500,
    StoreFault.SLOW_DOWN,
    StoreFault.HANG,
    StoreFault.HANG_AFTER_SUCCESS,
    StoreFault.TRUNCATE,
    StoreFault.FLIP_BIT,
    StoreFault.GARBAGE,
)


def made_up_scenarios(seed: int) -> Iterator[Scenario]:
    """Scenario n depends on the seed and n alone, so that any one can be played again."""
    number = 0
    while True:
        yield made_up(seed, number)
        number += 1


def made_up(seed: int, number: int) -> Scenario:
    """The n-th scenario of a seed: kills, and one or two faults of other kinds."""
    rng = random.Random(f"{seed}/{number}")
    workers = rng.randint(1, 3)
    s3 = rng.random() < 0.5
    faults = random_kills(rng.randrange(2**32), workers, rng.randint(2, 6), _SECONDS)
    for _ in range(rng.randint(0, 2)):
        faults += (_other(rng, workers, s3=s3),)
    settings: dict[str, Any] = {
        "session_timeout_ms": 2_000,
        "transaction_timeout_ms": 3_000,
        "processing_clock": rng.choice(["wall", "event"]),
        "load_shedding": True,
        "snapshot_interval_s": rng.choice([0.2, 1.0, 5.0]),
        "commit_interval_ms": rng.choice([5, 25, 100]),
        "max_batch_records": rng.choice([50, 1_000, 32_768]),
        "dtype": rng.choice(["float64", "float32"]),
    }
    return Scenario(
        f"seed {seed}, number {number}",
        faults,
        workers=workers,
        partitions=rng.choice([1, 3, 6]),
        assets=rng.choice([1, 30, 200]),
        seconds=_SECONDS,
        per_second=rng.choice([100.0, 500.0]),
        bad_share=rng.choice([0.0, 0.0, 0.01]),
        settings=settings,
        s3=s3,
        seed=rng.randrange(2**32),
        settle_s=180.0,
    )


def _other(rng: random.Random, workers: int, *, s3: bool) -> Fault:
    at_s = rng.uniform(2.0, _SECONDS - 5.0)
    choices: list[Fault] = [
        PauseWorker(at_s, f"w-{rng.randrange(workers)}", rng.uniform(1.0, 8.0)),
        AddWorker(at_s, f"w-{workers}"),
        RollWorkers(at_s),
        KillWorker(at_s, f"w-{rng.randrange(workers)}", 10.0),
    ]
    if workers > 1:
        choices.append(RetireWorker(at_s, f"w-{rng.randrange(workers)}"))
    if s3:
        choices.append(BreakStore(at_s, rng.uniform(1.0, 8.0), rng.choice(_STORE_FAULTS)))
    return rng.choice(choices)
