"""The scenarios of the short run: every fault once. `make chaos` plays the long ones."""

from tests.chaos.broker_faults import (
    BounceBroker,
    HoldCommitReplies,
    LoseCommitReplies,
    PauseBroker,
    RefuseWrites,
)
from tests.chaos.data_faults import NewAssets
from tests.chaos.expectations import AwaitWorkers, SeeMetric
from tests.chaos.faults import (
    AddWorker,
    KillFleet,
    KillWorker,
    PauseWorker,
    RetireWorker,
    RollWorkers,
    StarveWorker,
)
from tests.chaos.scenario import Scenario, random_kills
from tests.chaos.store_faults import BreakStore, FillDisk
from tests.snapshots.faulty_proxy import Fault as StoreFault
from workers.telemetry.metrics import M

__all__ = ["SHORT"]

_QUICK = {"session_timeout_ms": 2_000, "transaction_timeout_ms": 3_000}
_WALL = {"processing_clock": "wall", "load_shedding": True, "snapshot_interval_s": 0.5}

SHORT = (
    Scenario(
        "random kills under wall clock, bad and late input, a hot asset and shedding",
        random_kills(seed=5, workers=2, kills=5, seconds=10.0),
        bad_share=0.01,
        untimely_share=0.02,
        hot_share=0.8,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "one to four workers and back",
        (
            AddWorker(1.0, "w-1"),
            AddWorker(2.0, "w-2"),
            AddWorker(3.0, "w-3"),
            AwaitWorkers(3.0, 4),
            RetireWorker(14.0, "w-0"),
            RetireWorker(16.0, "w-1"),
            RetireWorker(18.0, "w-2"),
        ),
        workers=1,
        seconds=20.0,
        per_second=120.0,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "rolling restart, idle partitions and a thousand new assets at once",
        (NewAssets(1.0, 1_000), RollWorkers(2.0)),
        partitions=8,
        assets=4,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "all killed at once, three for two partitions started together, then killed one by one",
        (
            KillFleet(2.0, 3),
            AwaitWorkers(2.5, 2),
            *(KillWorker(9.0 + 2.0 * n, f"w-{n}", None) for n in range(2)),
        ),
        partitions=2,
        seconds=13.0,
        per_second=150.0,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "at least once: random kills repeat what one commit interval holds, and no more",
        random_kills(seed=11, workers=2, kills=2, seconds=6.0),
        seconds=8.0,
        steadfast=True,
        settings=_QUICK
        | {"delivery": "at_least_once", "commit_interval_ms": 500, "snapshot_interval_s": 3.0},
    ),
    Scenario(
        "one has no memory left, the other wakes up as a zombie",
        (StarveWorker(1.0, "w-1"), PauseWorker(3.0, "w-0", 6.0)),
        settings=_QUICK | _WALL | {"stuck_after_s": 10.0},
    ),
    Scenario(
        "under KIP-848, random kills",
        random_kills(seed=6, workers=2, kills=3, seconds=8.0),
        settings=_WALL | {"group_protocol": "consumer"},
    ),
    Scenario(
        "the only broker is killed, then away for longer than sessions last",
        # A killed broker is let in again only when its old registration has expired.
        (BounceBroker(2.0), BounceBroker(14.0, away_s=8.0, hard=False)),
        seconds=16.0,
        own_brokers=1,
        steadfast=True,
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
        "answers to EndTxn come late while a worker joins, then are lost and one is killed",
        (
            HoldCommitReplies(1.0, 6.0, late_s=0.5),
            AddWorker(1.0, "w-1"),
            LoseCommitReplies(8.0, 1),
            LoseCommitReplies(9.0, 5),
            KillWorker(10.0, "w-0"),
        ),
        workers=1,
        own_brokers=1,
        seconds=12.0,
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
        "the store fails and a worker is killed, then hangs and one joins amid a restore",
        (
            BreakStore(1.0, 3.0, StoreFault.ERROR_500),
            KillWorker(3.0, "w-0"),
            BreakStore(6.0, 6.0, StoreFault.HANG),
            AddWorker(6.0, "w-1"),
            KillWorker(8.0, "w-0"),
        ),
        workers=1,
        s3=True,
        seconds=14.0,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "the store cuts answers short while workers restore",
        (BreakStore(2.0, 4.0, StoreFault.TRUNCATE), KillWorker(3.0, "w-0"), KillWorker(4.0, "w-1")),
        s3=True,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "as many bad records as ticks, and dead letters are not taken for a while",
        (
            KillWorker(3.0, "w-0"),
            RefuseWrites(6.0, 4.0, "dead_letters"),
            SeeMetric(6.0, M.COMMIT_FAILURES, least=1),
        ),
        bad_share=1.0,
        settings=_QUICK | _WALL,
    ),
    Scenario(
        "the disk under the snapshots is full, and a worker is killed meanwhile",
        (
            SeeMetric(0.0, M.SNAPSHOTS, least=1),
            FillDisk(2.0, 8.0),
            SeeMetric(2.5, M.SNAPSHOT_FAILURES, least=1),
            KillWorker(4.0, "w-0"),
            SeeMetric(10.0, M.SNAPSHOTS, least=1),
        ),
        workers=1,
        disk_mib=32,
        steadfast=True,
        settings=_QUICK | _WALL,
    ),
)
