"""How long a partition is silent: after kill -9 with an immediate restart, and after SIGTERM.

`python -m benchmarks.recovery [SECONDS]`: one worker, 5,000 ticks/s of 1000 assets over 8
partitions, snapshots every 10 s; killed half way between two of them. Also how much memory and
how many snapshot bytes an asset takes.
"""

import re
import sys
import threading
import time

import psutil

from benchmarks._kafka import print_table, quick_broker
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap

_PARTITIONS = 8
_ASSETS = 1_000
_RATE = 5_000.0


def _silence(tap: Tap, begun_s: float) -> float:
    """Until every partition has spoken again."""
    return max(
        next(r.seen_s for r in records if r.seen_s > begun_s) - begun_s
        for records in tap.records.values()
    )


def main(seconds: float) -> None:
    """Run it and print the table."""
    rows: list[tuple[object, ...]] = []
    with quick_broker() as (kafka, folder):
        ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
        fleet = Fleet(kafka, folder / "fleet", ticks, _PARTITIONS, {"snapshot_interval_s": 10.0})
        tap = Tap(kafka, fleet.topics["predictions"], _PARTITIONS)
        worker = fleet.start("w-0")
        fleet.wait_for(lambda: fleet.logs().count("partition_live") == _PARTITIONS, 120, "live")
        empty = psutil.Process(worker.pid).memory_info().rss
        feeder = threading.Thread(
            target=produce,
            args=(kafka, ticks, random_ticks(int(_RATE * seconds), _ASSETS, seed=1)),
            kwargs={"per_second": _RATE},
        )
        feeder.start()
        time.sleep(16.0)
        full = psutil.Process(worker.pid).memory_info().rss
        killed_s = time.monotonic()
        worker.kill()
        worker = fleet.start("w-0")
        time.sleep(15.0)
        rows.append(("kill -9 to results on every partition, s", f"{_silence(tap, killed_s):.2f}"))
        stopped_s = time.monotonic()
        assert worker.terminate() == 0
        rows.append(("SIGTERM to exit, s", f"{time.monotonic() - stopped_s:.2f}"))
        started_s = time.monotonic()
        fleet.start("w-0")
        time.sleep(8.0)
        rows.append(("start to results on every partition, s", f"{_silence(tap, started_s):.2f}"))
        feeder.join()
        fleet.stop()
        tap.close()
        lives = re.findall(r"partition_live .*seconds=([0-9.]+)", fleet.logs())
        rows.append(("assignment to live, longest, s", f"{max(map(float, lives)):.2f}"))
        rows.append(
            ("memory an asset, KiB (resident, growth)", f"{(full - empty) / _ASSETS / 1024:.1f}")
        )
        chunks = [f.stat().st_size for f in (fleet.folder / "snapshots").rglob("chunks/*")]
        # The kept snapshots share chunks; a full one has one chunk per 64 assets of a partition.
        rows.append(("snapshot bytes an asset", f"{max(chunks) / 64:,.0f}"))
    print_table(f"{_RATE:,.0f} ticks/s, {_ASSETS} assets, 10 s snapshots", ("", ""), rows)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 50.0)
