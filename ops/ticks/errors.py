"""Errors of sending ticks."""

from core.errors import FatalError, RetryableError

__all__ = ["TicksNotDeliveredError", "TooFewPartitionsError"]


class TicksNotDeliveredError(RetryableError):
    """The brokers did not acknowledge every tick."""


class TooFewPartitionsError(FatalError):
    """The topic lacks partitions that the records are to go to."""
