"""The Kafka runtime: assignment, batching, compute, emission, journal, recovery.

`worker.py` is the loop and `assembly.py` puts it together; a tick's way through it goes by the
folders `group` (fetched), `batching` (decided), `compute` (stepped), `emission` (put into words)
and `delivery` (made visible); `recovery` and `journal` bring a partition to where it stood.

What does not live here: the predictor's mathematics (`core`), bytes of contracts (`schemas`)
and snapshots (`snapshots`), settings files, probes and commands (`ops`). The one invariant:
results, flag events, dead letters, journal records and the offset of the last durable snapshot
become visible together or not at all.
"""

from workers.assembly import run_worker
from workers.brokers.topics import check_layout, check_topics
from workers.clock import Clock, SystemClock
from workers.config import (
    ColdStart,
    Delivery,
    GroupProtocol,
    MissingHistory,
    ProcessingClock,
    Topics,
    WorkerConfig,
)
from workers.embedded.alerts import Alert
from workers.embedded.universal import SavedSnapshot, UniversalPredictor
from workers.errors import (
    ConfigurationError,
    FencedError,
    HistoryLostError,
    OutputsRefusedError,
    OutputUncertainError,
    PartitionError,
    PredictorBusyError,
    PredictorClosedError,
    StalledClientError,
    TopicLayoutError,
)
from workers.faults import FAULT_POINTS
from workers.lifecycle.signals import StopSignal
from workers.telemetry.health import HealthReport, WorkerHealth
from workers.telemetry.metrics import CATALOGUE, M, MetricDef, MetricKind, NullTelemetry, Telemetry

__all__ = [
    "CATALOGUE",
    "FAULT_POINTS",
    "Alert",
    "Clock",
    "ColdStart",
    "ConfigurationError",
    "Delivery",
    "FencedError",
    "GroupProtocol",
    "HealthReport",
    "HistoryLostError",
    "M",
    "MetricDef",
    "MetricKind",
    "MissingHistory",
    "NullTelemetry",
    "OutputUncertainError",
    "OutputsRefusedError",
    "PartitionError",
    "PredictorBusyError",
    "PredictorClosedError",
    "ProcessingClock",
    "SavedSnapshot",
    "StalledClientError",
    "StopSignal",
    "SystemClock",
    "Telemetry",
    "TopicLayoutError",
    "Topics",
    "UniversalPredictor",
    "WorkerConfig",
    "WorkerHealth",
    "check_layout",
    "check_topics",
    "run_worker",
]
