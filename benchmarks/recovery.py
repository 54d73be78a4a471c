"""How long a partition is silent: after kill -9 with an immediate restart, and after SIGTERM.

`python -m benchmarks.recovery [SECONDS]` (of feed at most; 300): one worker, 5,000 ticks/s of 1000
assets over 8 partitions, snapshots every 10 s; killed half way between two of them. Also how much
memory and how many snapshot bytes an asset takes.
"""

import re
import sys
import threading
import time
from typing import NamedTuple

import psutil

from benchmarks._kafka import print_table, quick_broker
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap

_PARTITIONS = 8
_ASSETS = 1_000
_RATE = 5_000.0
_PATIENCE_S = 120.0
_SETTLED_S = 5.0


def _silence(tap: Tap, begun_s: float) -> float:
    """Until every partition has spoken again; waits for it."""
    # What is seen within the first second is the old worker's: no new one is up so soon.
    after_s = begun_s + 1.0
    spoken: dict[int, float] = {}
    while len(spoken) < _PARTITIONS:
        if time.monotonic() > begun_s + _PATIENCE_S:
            raise TimeoutError(f"{_PARTITIONS - len(spoken)} partitions are silent")
        time.sleep(0.1)
        for number, records in list(tap.records.items()):
            if number not in spoken and records[-1].seen_s > after_s:
                spoken[number] = next(r.seen_s for r in records if r.seen_s > after_s) - begun_s
    return max(spoken.values())


class Recovery(NamedTuple):
    """What was measured.

    Attributes:
        restart_s: kill -9 to results on every partition.
        stop_s: SIGTERM to exit.
        start_s: start to results on every partition.
        live_s: assignment to live, the longest.
        memory_bytes_an_asset: growth of the resident set.
        snapshot_bytes_an_asset: of a full chunk.
    """

    restart_s: float
    stop_s: float
    start_s: float
    live_s: float
    memory_bytes_an_asset: float
    snapshot_bytes_an_asset: float


def measure(seconds: float) -> Recovery:
    """Feed one worker; kill it, stop it and start it meanwhile. The feed lasts `seconds` at most.

    Raises:
        TimeoutError: a partition stayed silent for two minutes, or the feed was too short.
    """
    done = threading.Event()
    with quick_broker() as (kafka, folder):
        ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
        fleet = Fleet(
            kafka, folder / "fleet", ticks, _PARTITIONS, {"snapshot_interval_s": 10.0}, "spawn"
        )
        tap = Tap(kafka, fleet.topics["predictions"], _PARTITIONS)
        worker = fleet.start("w-0")
        fleet.wait_for(lambda: fleet.logs().count("partition_live") == _PARTITIONS, 120, "live")
        empty = psutil.Process(worker.pid).memory_info().rss
        feeder = threading.Thread(
            target=produce,
            args=(kafka, ticks, random_ticks(int(_RATE * seconds), _ASSETS, seed=1)),
            kwargs={"per_second": _RATE, "until": done.is_set},
            daemon=True,
        )
        feeder.start()
        time.sleep(16.0)
        full = psutil.Process(worker.pid).memory_info().rss
        killed_s = time.monotonic()
        worker.kill()
        worker = fleet.start("w-0")
        restart_s = _silence(tap, killed_s)
        fleet.wait_for(lambda: fleet.logs().count("partition_live") == 2 * _PARTITIONS, 120, "live")
        time.sleep(_SETTLED_S)
        stopped_s = time.monotonic()
        assert worker.terminate() == 0
        stop_s = time.monotonic() - stopped_s
        started_s = time.monotonic()
        fleet.start("w-0")
        start_s = _silence(tap, started_s)
        done.set()
        feeder.join()
        fleet.stop()
        tap.close()
        lives = re.findall(r"partition_live .*seconds=([0-9.]+)", fleet.logs())
        chunks = [f.stat().st_size for f in (fleet.folder / "snapshots").rglob("chunks/*")]
    return Recovery(
        restart_s=restart_s,
        stop_s=stop_s,
        start_s=start_s,
        live_s=max(map(float, lives)),
        memory_bytes_an_asset=(full - empty) / _ASSETS,
        # The kept snapshots share chunks; a full one has one chunk per 64 assets of a partition.
        snapshot_bytes_an_asset=max(chunks) / 64,
    )


def main(seconds: float) -> None:
    """Run it and print the table."""
    found = measure(seconds)
    rows: list[tuple[object, ...]] = [
        ("kill -9 to results on every partition, s", f"{found.restart_s:.2f}"),
        ("SIGTERM to exit, s", f"{found.stop_s:.2f}"),
        ("start to results on every partition, s", f"{found.start_s:.2f}"),
        ("assignment to live, longest, s", f"{found.live_s:.2f}"),
        (
            "memory an asset, KiB (resident, growth)",
            f"{found.memory_bytes_an_asset / 1024:.1f}",
        ),
        ("snapshot bytes an asset", f"{found.snapshot_bytes_an_asset:,.0f}"),
    ]
    print_table(f"{_RATE:,.0f} ticks/s, {_ASSETS} assets, 10 s snapshots", ("", ""), rows)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 300.0)
