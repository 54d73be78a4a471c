"""The scenarios of the short run: every fault once. `make chaos` plays the long ones."""

from tests.chaos.faults import (
    AddWorker,
    BounceBroker,
    BreakStore,
    KillWorker,
    LoseCommitReplies,
    PauseBroker,
    PauseWorker,
    RetireWorker,
    RollWorkers,
)
from tests.chaos.scenario import Scenario, random_kills
from tests.snapshots.faulty_proxy import Fault as StoreFault

__all__ = ["SHORT"]

_QUICK = {"session_timeout_ms": 2_000, "transaction_timeout_ms": 3_000}
_WALL = {"processing_clock": "wall", "load_shedding": True, "snapshot_interval_s": 0.5}

SHORT = (
    Scenario(
        "random kills under wall clock, bad input and shedding",
        random_kills(seed=5, workers=2, kills=5, seconds=10.0),
        bad_share=0.01,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "one to three workers and back",
        (
            AddWorker(1.0, "w-1"),
            AddWorker(3.0, "w-2"),
            RetireWorker(5.0, "w-0"),
            RetireWorker(8.0, "w-1"),
        ),
        workers=1,
        settings=_QUICK | _WALL,
    ),
    Scenario("rolling restart", (RollWorkers(2.0),), settings=_QUICK | _WALL),
    Scenario(
        "more workers than partitions, killed one by one",
        tuple(KillWorker(1.0 + 2.0 * n, f"w-{n}", None) for n in range(2)),
        workers=3,
        partitions=2,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "a zombie wakes up",
        (PauseWorker(2.0, "w-0", 6.0),),
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "under KIP-848, random kills",
        random_kills(seed=6, workers=2, kills=3, seconds=8.0),
        settings=_WALL | {"group_protocol": "consumer"},
    ),
    Scenario(
        "the only broker is killed, then stopped",
        # A killed broker is let in again only when its old registration has expired.
        (BounceBroker(2.0), BounceBroker(14.0, hard=False)),
        seconds=16.0,
        own_brokers=1,
        settings=_WALL,
    ),
    Scenario(
        "leaders and coordinators move: three brokers, each killed or stopped in turn",
        (BounceBroker(2.0, 1), BounceBroker(4.0, 2, hard=False), BounceBroker(6.0, 3)),
        own_brokers=3,
        settings=_WALL,
        settle_s=150.0,
    ),
    Scenario(
        "answers to EndTxn are lost, and a worker is killed meanwhile",
        (LoseCommitReplies(2.0, 1), LoseCommitReplies(4.0, 5), KillWorker(6.0, "w-0")),
        own_brokers=1,
        proxied=True,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "the broker stands still beyond the transaction's time limit",
        (PauseBroker(2.0, 5.0),),
        own_brokers=1,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "the store fails, then hangs, and a worker is killed each time",
        (
            BreakStore(1.0, 3.0, StoreFault.ERROR_500),
            KillWorker(3.0, "w-0"),
            BreakStore(6.0, 3.0, StoreFault.HANG),
            KillWorker(8.0, "w-1"),
        ),
        s3=True,
        seconds=12.0,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "the store cuts answers short while workers restore",
        (BreakStore(2.0, 4.0, StoreFault.TRUNCATE), KillWorker(3.0, "w-0"), KillWorker(4.0, "w-1")),
        s3=True,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "as many bad records as ticks",
        (KillWorker(3.0, "w-0"),),
        bad_share=1.0,
        settings=_QUICK | _WALL,
    ),
)
