"""What takes minutes: the long forms, at a fleet's default intervals and time limits."""

from typing import Any, Final

from tests.chaos.broker_faults import BounceBroker, RefuseWrites
from tests.chaos.data_faults import NewAssets
from tests.chaos.expectations import SeeMetric
from tests.chaos.faults import KillWorker
from tests.chaos.scenario import Scenario, random_kills
from tests.chaos.store_faults import BreakStore, FillDisk
from tests.snapshots.faulty_proxy import Fault as StoreFault
from workers.telemetry.metrics import M

__all__ = ["LONG"]

_AS_LIVE: Final[dict[str, Any]] = {
    "processing_clock": "wall",
    "load_shedding": True,
    "snapshot_interval_s": 10.0,
}

LONG = (
    Scenario(
        "the store is out of reach for a minute",
        (
            BreakStore(15.0, 60.0, StoreFault.CUT),
            SeeMetric(60.0, M.SNAPSHOT_FAILURES, least=4),
            SeeMetric(60.0, M.SNAPSHOT_AGE_SECONDS, least=45.0, within_s=14.0),
            SeeMetric(60.0, M.LAG_RECORDS, most=100.0),
            SeeMetric(76.0, M.SNAPSHOT_AGE_SECONDS, most=12.0, within_s=25.0),
        ),
        s3=True,
        seconds=105.0,
        per_second=200.0,
        steadfast=True,
        settings=_AS_LIVE,
    ),
    Scenario(
        "the store answers after half a minute, and a worker is killed meanwhile",
        (BreakStore(15.0, 45.0, StoreFault.HANG_AFTER_SUCCESS, 30.0), KillWorker(40.0, "w-0")),
        s3=True,
        seconds=70.0,
        per_second=200.0,
        steadfast=True,
        settings=_AS_LIVE,
    ),
    Scenario(
        "the brokers are away for two minutes",
        (BounceBroker(15.0, away_s=120.0, hard=False),),
        own_brokers=1,
        seconds=150.0,
        per_second=50.0,
        steadfast=True,
        settle_s=180.0,
        settings=_AS_LIVE,
    ),
    Scenario(
        "the disk under the snapshots is full for a minute",
        (
            FillDisk(15.0, 60.0),
            SeeMetric(60.0, M.SNAPSHOT_FAILURES, least=4),
            SeeMetric(76.0, M.SNAPSHOT_AGE_SECONDS, most=12.0, within_s=25.0),
        ),
        disk_mib=32,
        seconds=105.0,
        per_second=200.0,
        steadfast=True,
        settings=_AS_LIVE,
    ),
    Scenario(
        "dead letters are not taken for a minute",
        (
            RefuseWrites(10.0, 60.0, "dead_letters"),
            SeeMetric(15.0, M.COMMIT_FAILURES, least=1, within_s=55.0),
        ),
        bad_share=0.01,
        seconds=80.0,
        per_second=200.0,
        steadfast=True,
        settle_s=120.0,
        settings=_AS_LIVE,
    ),
    Scenario(
        "a hundred thousand new assets at once, and a worker is killed amid them",
        (NewAssets(5.0, 100_000), KillWorker(8.0, "w-0")),
        partitions=8,
        seconds=40.0,
        per_second=200.0,
        settle_s=240.0,
        settings=_AS_LIVE | {"dtype": "float32"},
    ),
    Scenario(
        "more than a hundred random kills, many of them amid a start or a restore",
        random_kills(seed=100, workers=3, kills=120, seconds=1_200.0),
        workers=3,
        seconds=1_210.0,
        per_second=50.0,
        bad_share=0.01,
        settle_s=240.0,
        settings=_AS_LIVE | {"snapshot_interval_s": 2.0},
    ),
)
