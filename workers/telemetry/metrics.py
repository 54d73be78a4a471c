"""The typed catalogue of metrics, and the Protocol through which the runtime reports them.

Definitions only: `ops.metrics` exports them. A metric that is not here does not exist.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

__all__ = ["CATALOGUE", "M", "MetricDef", "MetricKind", "NullTelemetry", "Telemetry"]


class MetricKind(StrEnum):
    """Prometheus metric types in use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricDef:
    """One metric: its exported name (unit last), kind, meaning, labels and buckets."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


class Telemetry(Protocol):
    """Where the runtime reports to. Calls never block and never raise."""

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""

    def set(self, metric: MetricDef, value: float, **labels: str) -> None:
        """Set a gauge."""

    def remove(self, metric: MetricDef, **labels: str) -> None:
        """Say nothing of these labels any more; they may never have been used."""

    def observe(self, metric: MetricDef, value: float, **labels: str) -> None:
        """Record one observation of a histogram."""


class NullTelemetry:
    """Reports to nobody: for library use and tests."""

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        """Ignore."""

    def set(self, metric: MetricDef, value: float, **labels: str) -> None:
        """Ignore."""

    def remove(self, metric: MetricDef, **labels: str) -> None:
        """Ignore."""

    def observe(self, metric: MetricDef, value: float, **labels: str) -> None:
        """Ignore."""


_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_COUNTER, _GAUGE, _HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_PARTITION: Final = ("partition",)


class M:
    """The catalogue. Names of the specification (§8) are kept as it gives them."""

    TICKS = MetricDef("tickfleet_ticks_total", _COUNTER, "Accepted ticks stepped live")
    REPLAYED = MetricDef(
        "tickfleet_ticks_replayed_total", _COUNTER, "Ticks stepped silently in recovery"
    )
    GAPS_ASKED_AGAIN = MetricDef(
        "tickfleet_gaps_asked_again_total",
        _COUNTER,
        "Gaps in input offsets larger than a transaction marker that were fetched a second time",
        _PARTITION,
    )
    DEAD_LETTERS = MetricDef(
        "tickfleet_dead_letters_total",
        _COUNTER,
        "Records sent to the dead-letter topic",
        ("error",),
    )
    FLAG_EVENTS = MetricDef(
        "tickfleet_flag_events_total", _COUNTER, "Flag events published", ("type", "state")
    )
    COMMITS = MetricDef("tickfleet_commits_total", _COUNTER, "Committed output transactions")
    COMMIT_FAILURES = MetricDef(
        "tickfleet_commit_failures_total",
        _COUNTER,
        "Output transactions aborted or of unknown outcome",
    )
    COMMIT_SECONDS = MetricDef(
        "tickfleet_commit_seconds",
        _HISTOGRAM,
        "Flush, offsets and commit of one transaction",
        buckets=_SECONDS,
    )
    BATCH_RECORDS = MetricDef(
        "tickfleet_batch_records",
        _HISTOGRAM,
        "Records in one micro-batch",
        buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536),
    )
    STEP_SECONDS = MetricDef(
        "tickfleet_step_seconds", _HISTOGRAM, "Predictor time of one micro-batch", buckets=_SECONDS
    )
    STEP_CALLS = MetricDef(
        "tickfleet_step_calls_total",
        _COUNTER,
        "Calls of the compiled step; each has room for a tick of 64 assets and costs the same "
        "however many of them have one",
    )
    TICKS_ALONE = MetricDef(
        "tickfleet_ticks_alone_total",
        _COUNTER,
        "Ticks stepped without such a call, in runs of one asset: the last ones of assets that "
        "have far more than the others of their tile",
    )
    LAG_RECORDS = MetricDef(
        "tickfleet_lag_records",
        _GAUGE,
        "Input records not yet stepped (end offset less position, which passes markers of "
        "transactions). Of a partition that takes no input, restored or stopped, and of each while "
        "outputs are in doubt: end offset less what it has stepped, or else the group's commit, "
        "behind which some may be answered, asked every ten seconds; before a group's first commit "
        "it is not told",
        _PARTITION,
    )
    LAG_SECONDS = MetricDef(
        "tickfleet_lag_seconds",
        _GAUGE,
        "Age of the newest stepped tick by its own timestamp, also while state is recovered; ticks "
        "dated more than a minute ahead do not count, and a worker that has just got the partition "
        "knows of none before its state is there",
        _PARTITION,
    )
    PARTITIONS = MetricDef(
        "tickfleet_partitions", _GAUGE, "Assigned partitions by phase", ("phase",)
    )
    ASSETS = MetricDef("tickfleet_assets", _GAUGE, "Assets held in memory")
    SNAPSHOTS = MetricDef("tickfleet_snapshots_total", _COUNTER, "Durable snapshots", _PARTITION)
    SNAPSHOT_FAILURES = MetricDef(
        "tickfleet_snapshot_failures_total",
        _COUNTER,
        "Snapshots that could not be stored",
        _PARTITION,
    )
    SNAPSHOT_AGE_SECONDS = MetricDef(
        "tickfleet_snapshot_age_seconds",
        _GAUGE,
        "Time since everything stepped was in a durable snapshot; near 0 where nothing comes",
        _PARTITION,
    )
    SNAPSHOT_INTERVAL_SECONDS = MetricDef(
        "tickfleet_snapshot_interval_seconds", _GAUGE, "`snapshot_interval_s`, as it is set"
    )
    SNAPSHOT_SECONDS = MetricDef(
        "tickfleet_snapshot_seconds", _HISTOGRAM, "Capture to durable", buckets=_SECONDS
    )
    RECOVERIES = MetricDef(
        "tickfleet_recoveries_total",
        _COUNTER,
        "Partition recoveries by how state was found",
        ("source",),
    )
    RECOVERY_SECONDS = MetricDef(
        "tickfleet_recovery_seconds",
        _HISTOGRAM,
        "Assignment to live, one partition",
        buckets=_SECONDS,
    )
    CORRUPT_SNAPSHOTS = MetricDef(
        "tickfleet_corrupt_snapshots_total",
        _COUNTER,
        "Snapshots refused on restore, or found to have lost chunks in the store",
        _PARTITION,
    )
    FAILED_PARTITIONS = MetricDef(
        "tickfleet_failed_partitions",
        _GAUGE,
        "Partitions stopped by an error that needs an operator",
    )
    REBALANCES = MetricDef(
        "tickfleet_rebalances_total",
        _COUNTER,
        "Rebalance callbacks; called: those asked for, as partitions had no owner",
        ("kind",),
    )
    BACKPRESSURE_SECONDS = MetricDef(
        "tickfleet_backpressure_seconds_total", _COUNTER, "Time input was paused for slow outputs"
    )
    SIGNATURE_DEPTH = MetricDef(
        "tickfleet_signature_depth", _GAUGE, "Signature depth the load shedder allows"
    )
    LATENCY_RATIO = MetricDef(
        "tickfleet_latency_ratio", _GAUGE, "EWMA step latency over EWMA inter-arrival"
    )
    STEP_LATENCY = MetricDef(
        "tickfleet_step_latency_ewma_seconds",
        _GAUGE,
        "EWMA of the predictor's time for a micro-batch, as the load shedder has it",
    )
    EMERGENCY_DUMPS = MetricDef(
        "tickfleet_emergency_dumps_total",
        _COUNTER,
        "Rises of EmergencyMode by what became of their dump: saved, failed, or skipped as too "
        "soon after another",
        ("outcome",),
    )
    DEVICE_MEMORY = MetricDef(
        "tickfleet_device_memory_bytes",
        _GAUGE,
        "Memory of the accelerator: in use, peak, limit; absent on CPUs",
        ("kind",),
    )
    LOOP_SILENT_SECONDS = MetricDef(
        "tickfleet_loop_silent_seconds",
        _GAUGE,
        "Time since the loop last went round; the process exits at stuck_after_s",
    )
    SHUTDOWNS = MetricDef(
        "predictor_graceful_shutdowns_total",
        _COUNTER,
        "Total number of graceful shutdowns executed",
    )
    SHUTDOWN_SECONDS = MetricDef(
        "predictor_shutdown_duration_seconds",
        _HISTOGRAM,
        "Time taken to complete graceful shutdown",
        buckets=(0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    )
    SHUTDOWN_RESIDUAL = MetricDef(
        "predictor_shutdown_residual_observations",
        _HISTOGRAM,
        "Number of observations in buffer during shutdown",
        buckets=(0, 1, 5, 10, 50, 100, 500, 1000),
    )


CATALOGUE: Final[tuple[MetricDef, ...]] = tuple(
    value for value in vars(M).values() if isinstance(value, MetricDef)
)
