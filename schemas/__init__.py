"""Avro contracts, their codecs, and the framing that names the writer's schema."""

from schemas.dead_letter import DeadLetter, DeadLetterCodec
from schemas.errors import (
    EncodingError,
    ErrorClass,
    RegistryDeniedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    UndecodableError,
)
from schemas.flag_event import (
    FlagEvent,
    FlagEventCodec,
    FlagState,
    FlagType,
    Severity,
    flag_event_id,
)
from schemas.framing import Framing, SingleObjectFraming
from schemas.journal import EVENT_TIME, JournalCodec, JournalRecord
from schemas.registry import ConfluentFraming, registry_client
from schemas.result import ResultCodec
from schemas.result_columns import ResultColumns
from schemas.tick import TickCodec
from schemas.tick_columns import TickColumns
from schemas.tick_rules import MAX_ASSET_ID_SIZE, Rejection, checked_tick

__all__ = [
    "EVENT_TIME",
    "MAX_ASSET_ID_SIZE",
    "ConfluentFraming",
    "DeadLetter",
    "DeadLetterCodec",
    "EncodingError",
    "ErrorClass",
    "FlagEvent",
    "FlagEventCodec",
    "FlagState",
    "FlagType",
    "Framing",
    "JournalCodec",
    "JournalRecord",
    "RegistryDeniedError",
    "RegistryRefusedError",
    "RegistryUnavailableError",
    "Rejection",
    "ResultCodec",
    "ResultColumns",
    "Severity",
    "SingleObjectFraming",
    "TickCodec",
    "TickColumns",
    "UndecodableError",
    "checked_tick",
    "flag_event_id",
    "registry_client",
]
