"""What one worker needs to know: frozen, complete, checked when it is made.

Files and environment variables are read in `ops`; nothing here has a side effect.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from core import PredictorConfig
from snapshots import StoreAccessError, StoreOptions, check_store_url
from workers.batching.shedding import SheddingPolicy
from workers.errors import ConfigurationError

__all__ = [
    "ColdStart",
    "Delivery",
    "GroupProtocol",
    "MissingHistory",
    "ProcessingClock",
    "Topics",
    "WorkerConfig",
]


class Delivery(StrEnum):
    """How outputs and offsets relate (design §5)."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


class GroupProtocol(StrEnum):
    """Kafka's `group.protocol`: `classic` is cooperative-sticky, `consumer` is KIP-848."""

    CLASSIC = "classic"
    CONSUMER = "consumer"


class ProcessingClock(StrEnum):
    """Where `processing_time_ns` comes from.

    `wall` asks the machine once per micro-batch and journals the answer. `event` uses each
    tick's own timestamp: results then depend on the input alone, and no tick is ever stale.
    """

    WALL = "wall"
    EVENT = "event"


class ColdStart(StrEnum):
    """Where a partition begins of which the group has no committed offset."""

    EARLIEST = "earliest"
    LATEST = "latest"


class MissingHistory(StrEnum):
    """What to do when retention has passed the snapshot: stop the partition, or start cold."""

    STOP = "stop"
    COLD_START = "cold_start"


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of the five topics; all but flags and dead letters are co-partitioned with ticks.

    Several groups may read the same ticks. A journal is of one group and one ticks topic alone.

    Raises:
        ConfigurationError: Kafka takes no such name, or two are the same.
    """

    ticks: str = "ticks"
    predictions: str = "predictions"
    flags: str = "flags"
    dead_letters: str = "dead-letters"
    journal: str = "journal"

    def __post_init__(self) -> None:
        for field_, name in zip(self.__slots__, self.all(), strict=True):
            if not _TOPIC.fullmatch(name):
                raise ConfigurationError(
                    f"topics.{field_} is no name of a topic: use 1 to 249 letters, digits, '.', "
                    "'_' or '-'"
                )
            same = [other for other in self.__slots__ if getattr(self, other) == name]
            if len(same) > 1:
                raise ConfigurationError(
                    f"{' and '.join(f'topics.{one}' for one in same)} have one name: give each of "
                    "the five its own"
                )

    def all(self) -> tuple[str, ...]:
        """All names, ticks first."""
        return (self.ticks, *self.outputs())

    def outputs(self) -> tuple[str, ...]:
        """The names of those that workers write to."""
        return (self.predictions, self.flags, self.dead_letters, self.journal)


_TOPIC: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
_DAY_S: Final = 86_400
# Lowest and highest; NaN lies in no range.
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "session_timeout_ms": (1, _DAY_S * 1000),
    "transaction_timeout_ms": (1, _DAY_S * 1000),
    "commit_interval_ms": (1, _DAY_S * 1000),
    "snapshot_interval_s": (0.001, _DAY_S),
    "snapshots_kept": (1, 10_000),
    "cold_start_rewind": (0, 10**12),
    "max_batch_records": (1, 1_000_000),
    "emergency_dump_interval_s": (0, _DAY_S),
    "poll_timeout_ms": (1, 60_000),
    "client_timeout_s": (0.001, _DAY_S),
    "stop_timeout_s": (0.001, _DAY_S),
    "stuck_after_s": (0.001, _DAY_S),
}
_CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "delivery": Delivery,
    "group_protocol": GroupProtocol,
    "cold_start": ColdStart,
    "missing_history": MissingHistory,
    "processing_clock": ProcessingClock,
}


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Everything one worker runs on.

    `worker_id` is both `group.instance.id` and the tail of `transactional.id`, so it must be
    stable per worker (a StatefulSet's ordinal) and unique in the group.
    `emergency_dump_interval_s` is the least time between two emergency dumps; 0 writes none.

    Raises:
        ConfigurationError: a value is out of its range; the message names the field.
    """

    bootstrap_servers: str
    group_id: str
    worker_id: str
    snapshot_url: str
    topics: Topics = field(default_factory=Topics)
    predictor: PredictorConfig = field(default_factory=PredictorConfig)
    dtype: Literal["float64", "float32"] = "float64"
    delivery: Delivery = Delivery.EXACTLY_ONCE
    group_protocol: GroupProtocol = GroupProtocol.CLASSIC
    static_membership: bool = True
    session_timeout_ms: int = 6_000
    transaction_timeout_ms: int = 10_000
    commit_interval_ms: int = 25
    snapshot_interval_s: float = 10.0
    snapshots_kept: int = 5
    cold_start: ColdStart = ColdStart.EARLIEST
    cold_start_rewind: int = 0
    missing_history: MissingHistory = MissingHistory.STOP
    processing_clock: ProcessingClock = ProcessingClock.WALL
    load_shedding: bool = True
    shedding: SheddingPolicy = field(default_factory=SheddingPolicy)
    emergency_dump_interval_s: float = 10.0
    allow_nonpositive_prices: bool = False
    max_batch_records: int = 32_768
    poll_timeout_ms: int = 100
    client_timeout_s: float = 15.0
    stop_timeout_s: float = 25.0
    stuck_after_s: float = 60.0
    schema_registry_url: str | None = None
    # Options may hold passwords: they stay out of the repr, and so out of logs and tracebacks.
    schema_registry: Mapping[str, str] = field(default_factory=dict, repr=False)
    kafka: Mapping[str, str] = field(default_factory=dict, repr=False)
    consumer: Mapping[str, str] = field(default_factory=dict, repr=False)
    producer: Mapping[str, str] = field(default_factory=dict, repr=False)
    store_options: StoreOptions = field(default_factory=StoreOptions)

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            try:
                object.__setattr__(self, name, choices(getattr(self, name)))
            except ValueError as error:
                allowed = ", ".join(choices)
                raise ConfigurationError(f"{name} must be one of {allowed}: {error}") from error
        for name in ("bootstrap_servers", "group_id", "worker_id", "snapshot_url"):
            if not getattr(self, name):
                raise ConfigurationError(f"{name} is empty: set it")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigurationError(
                    f"{name} must lie in [{low:,g}, {high:,}], got {getattr(self, name)}"
                )
        _check_urls(self.snapshot_url, self.schema_registry_url)
        if self.commit_interval_ms * 4 > self.transaction_timeout_ms:
            raise ConfigurationError(
                "commit_interval_ms must be at most a quarter of transaction_timeout_ms: "
                f"{self.commit_interval_ms} against {self.transaction_timeout_ms}"
            )

    @property
    def transactional_id(self) -> str:
        """Stable per worker, so that its next incarnation fences this one."""
        return f"{self.group_id}-{self.worker_id}"


def _check_urls(snapshots: str, registry: str | None) -> None:
    """Their form alone; the URLs are not repeated, they may hold a secret."""
    if not re.match(r"file:///|file://localhost/|file:/[^/]|s3://[^/]", snapshots):
        raise ConfigurationError(
            "snapshot_url must be file:///absolute/folder or s3://bucket/prefix"
        )
    try:
        check_store_url(snapshots)
    except StoreAccessError as error:
        raise ConfigurationError(f"snapshot_url: {error}") from None
    if registry is not None and not re.match(r"https?://[^/]", registry):
        raise ConfigurationError("schema_registry_url must begin with http:// or https://")
