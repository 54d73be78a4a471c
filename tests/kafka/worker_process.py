"""A worker as its own process, so that tests can kill, stop and continue it.

Its configuration's key `latency_trace`, if there, has the latency ratios that the load shedder is
to see, over and over, and `release` what `next_release.pretend` is to do.
"""

import importlib
import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from core import PredictorConfig
from ops.compile_cache import keep_executables
from ops.health import HealthServer
from ops.metrics import PrometheusTelemetry
from snapshots import StoreOptions
from tests.kafka.next_release import pretend
from workers import StopSignal, Topics, WorkerConfig, WorkerHealth, faults, run_worker
from workers.batching.shedding import LoadShedder

__all__ = ["config_from_json", "live"]


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


def live(config_json: str, port: int, log: Path, environment: Mapping[str, str]) -> None:
    """The whole life of a worker process.

    Args:
        config_json: a `WorkerConfig`.
        port: of its probes and metrics.
        log: what it writes is added here.
        environment: all of its variables.
    """
    with log.open("ab") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())
        os.dup2(sink.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]
    importlib.reload(faults)  # a fault point is armed by a variable that is read once
    if trace := json.loads(config_json).get("latency_trace"):
        _inject(trace)
    if release := json.loads(config_json).get("release"):
        pretend(release)
    keep_executables()
    stop = StopSignal()
    stop.install()
    telemetry, health = PrometheusTelemetry(), WorkerHealth()
    with HealthServer(health, telemetry.registry, port=port):
        finished = run_worker(
            config_from_json(config_json),
            telemetry=telemetry,
            health=health,
            stop_requested=stop,
        )
    if not finished:
        os._exit(0)  # as `tickfleet worker` does
