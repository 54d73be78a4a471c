"""A worker as its own process, so that tests can kill, stop and continue it.

Run as `python -m tests.kafka.worker_process CONFIG_JSON HTTP_PORT`.
"""

import json
import sys
from typing import Any

from core import PredictorConfig
from ops.compile_cache import keep_executables
from ops.health import HealthServer
from ops.metrics import PrometheusTelemetry
from snapshots import StoreOptions
from workers import StopSignal, Topics, WorkerConfig, WorkerHealth, run_worker

__all__ = ["config_from_json"]


def config_from_json(text: str) -> WorkerConfig:
    """The worker configuration a test wrote."""
    values: dict[str, Any] = json.loads(text)
    values["topics"] = Topics(**values["topics"])
    values["predictor"] = PredictorConfig(**values.get("predictor", {}))
    values["store_options"] = StoreOptions(**values.get("store_options", {}))
    return WorkerConfig(**values)


if __name__ == "__main__":
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
