"""Codec of the `FlagEvent` contract, and its CloudEvents attributes for Kafka headers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote

from schemas.contracts import contract
from schemas.framing import Framing
from schemas.record_codec import RecordCodec

__all__ = ["FlagEvent", "FlagEventCodec", "FlagState", "FlagType", "Severity", "flag_event_id"]

_NS_PER_S = 1_000_000_000


class FlagType(StrEnum):
    """What happened. UNKNOWN is only ever read: a type newer than the reader's schema."""

    EMERGENCY_MODE = "EmergencyMode"
    REGIME_CHANGE_DETECTED = "RegimeChangeDetected"
    DEGRADED_INFERENCE_MODE = "DegradedInferenceMode"
    NORMAL_OPERATION_RESTORED = "NormalOperationRestored"
    MODE_COLLAPSE_WARNING = "ModeCollapseWarning"
    MODE_DEGRADATION_ALERT = "ModeDegradationAlert"
    KURTOSIS_OUTLIER_WARNING = "KurtosisOutlierWarning"
    STALENESS_WARNING = "StalenessWarning"
    FREQUENCY_WARNING = "FrequencyWarning"
    DOMAIN_ERROR = "DomainError"
    FROZEN_SIGNAL = "FrozenSignal"
    LOAD_SHEDDING = "LoadShedding"
    UNKNOWN = "Unknown"


class FlagState(StrEnum):
    """Edge of a level flag, or an instant event."""

    RAISED = "raised"
    CLEARED = "cleared"
    INSTANT = "instant"


class Severity(StrEnum):
    """How urgent an event is for an operator."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class FlagEvent:
    """One edge of one flag of one asset, or an instant event.

    Attributes:
        event_id: see `flag_event_id`.
        type, state, severity: what, which edge, how urgent.
        source_topic, source_partition, source_offset: the causing tick.
        asset_id: empty when the event concerns a whole partition (LoadShedding).
        timestamp_ns: event time of the causing tick, nanoseconds since the Unix epoch.
        processing_time_ns: clock reading at the decision, nanoseconds since the Unix epoch.
        values: the quantities that explain the event, by name.
    """

    event_id: str
    type: FlagType
    state: FlagState
    severity: Severity
    source_topic: str
    source_partition: int
    source_offset: int
    asset_id: str
    timestamp_ns: int
    processing_time_ns: int
    values: Mapping[str, float]


def flag_event_id(
    topic: str, partition: int, offset: int, *, type: FlagType, state: FlagState
) -> str:
    """Identity that replay and recovery derive again: at most one event a cause, type and edge."""
    return f"{topic}-{partition}-{offset}-{type.value}-{state.value}"


class FlagEventCodec:
    """Reads and writes framed flag events."""

    def __init__(self, framing: Framing) -> None:
        self._records = RecordCodec(framing, contract("FlagEvent"))

    def encode(self, event: FlagEvent) -> bytes:
        """Encode; raises EncodingError."""
        record = {field.name: getattr(event, field.name) for field in fields(event)}
        return self._records.encode(record)

    def decode(self, data: bytes) -> FlagEvent:
        """Decode; raises UndecodableError, and with a registry what its framing raises."""
        record = self._records.decode(data)
        record |= {
            "type": FlagType(record["type"]),
            "state": FlagState(record["state"]),
            "severity": Severity(record["severity"]),
        }
        return FlagEvent(**record)

    def cloudevent_headers(self, event: FlagEvent) -> list[tuple[str, bytes]]:
        """Kafka headers of the binary content mode (CloudEvents 1.0, Kafka binding 1.0.2)."""
        topic = quote(event.source_topic, safe="")
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": event.event_id,
            "ce_source": f"/tickfleet/{topic}/{event.source_partition}",
            "ce_type": f"tickfleet.{event.type.value}.{event.state.value}",
            "ce_time": _rfc3339(event.timestamp_ns),
            "content-type": "application/avro",
        }
        return [(name, value.encode()) for name, value in attributes.items()]


def _rfc3339(timestamp_ns: int) -> str:
    """UTC time with all nine digits; `datetime` alone would drop the nanoseconds."""
    seconds, nanoseconds = divmod(timestamp_ns, _NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
