"""A worker as its own process, so that tests can kill, stop and continue it.

Run as `python -m tests.kafka.worker_process CONFIG_JSON HTTP_PORT`. The JSON is a
`WorkerConfig`; its key `latency_trace`, if there, has the latency ratios that the load shedder is
to see, over and over, and `release` what `next_release.pretend` is to do.
"""

import itertools
import json
import sys
from collections.abc import Sequence
from typing import Any

from core import PredictorConfig
from ops.compile_cache import keep_executables
from ops.health import HealthServer
from ops.metrics import PrometheusTelemetry
from snapshots import StoreOptions
from tests.kafka.next_release import pretend
from workers import StopSignal, Topics, WorkerConfig, WorkerHealth, run_worker
from workers.shedding import LoadShedder

__all__ = ["config_from_json"]


def config_from_json(text: str) -> WorkerConfig:
    """The worker configuration a test wrote."""
    values: dict[str, Any] = json.loads(text)
    for ours in ("latency_trace", "release"):
        values.pop(ours, None)
    values["topics"] = Topics(**values["topics"])
    values["predictor"] = PredictorConfig(**values.get("predictor", {}))
    values["store_options"] = StoreOptions(**values.get("store_options", {}))
    return WorkerConfig(**values)


def _inject(trace: Sequence[float]) -> None:
    """A load that cannot be made to order: each ratio counts for one micro-batch."""
    ratios, observe = itertools.cycle(trace), LoadShedder.observe

    def injected(shedder: LoadShedder, **_measured: float) -> None:
        observe(shedder, latency_s=next(ratios), interval_s=1.0)

    LoadShedder.observe = injected  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    if trace := json.loads(sys.argv[1]).get("latency_trace"):
        _inject(trace)
    if release := json.loads(sys.argv[1]).get("release"):
        pretend(release)
    keep_executables()
    stop = StopSignal()
    stop.install()
    telemetry, health = PrometheusTelemetry(), WorkerHealth()
    with HealthServer(health, telemetry.registry, port=int(sys.argv[2])):
        run_worker(
            config_from_json(sys.argv[1]),
            telemetry=telemetry,
            health=health,
            stop_requested=stop,
        )
