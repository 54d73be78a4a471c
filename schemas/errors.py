"""Errors of the contracts room, and the names by which a refused record is counted."""

from enum import StrEnum

from core.errors import FatalError, RetryableError

__all__ = [
    "EncodingError",
    "ErrorClass",
    "RegistryDeniedError",
    "RegistryRefusedError",
    "RegistryUnavailableError",
    "UndecodableError",
]


class ErrorClass(StrEnum):
    """Why a record was refused. Stable: dead letters and metrics carry these names."""

    NULL_KEY = "NullKey"
    TOMBSTONE = "Tombstone"
    UNKNOWN_SCHEMA = "UnknownSchema"
    UNSUPPORTED_SCHEMA = "UnsupportedSchema"
    UNDECODABLE = "Undecodable"
    TRAILING_BYTES = "TrailingBytes"
    KEY_MISMATCH = "KeyMismatch"
    INVALID_ASSET_ID = "InvalidAssetId"
    INVALID_PRICE = "InvalidPrice"
    INVALID_TARGET = "InvalidTarget"
    INVALID_TIMESTAMP = "InvalidTimestamp"


class UndecodableError(FatalError):
    """These bytes are not a record of the contract; `error_class` says in which way."""

    def __init__(self, error_class: ErrorClass, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class EncodingError(FatalError):
    """A value does not fit the contract it should be written with."""


class RegistryUnavailableError(RetryableError):
    """The schema registry did not answer, or answered that it cannot serve now."""


class RegistryRefusedError(FatalError):
    """The schema registry answered no: wrong address, credentials, or an incompatible schema."""


class RegistryDeniedError(RegistryRefusedError):
    """It lets nobody in, redirects or is not there: what others, on the way to it, may set right.

    Final for a command; a worker at work asks again.
    """
