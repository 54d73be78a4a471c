"""Errors of tick files and of sending them."""

from core.errors import FatalError, RetryableError

__all__ = ["TickFileError", "TicksNotDeliveredError"]


class TickFileError(FatalError):
    """A tick file cannot be used; the message names the column or the row."""


class TicksNotDeliveredError(RetryableError):
    """The brokers did not acknowledge every tick."""
