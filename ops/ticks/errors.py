"""Errors of sending ticks."""

from core.errors import RetryableError

__all__ = ["TicksNotDeliveredError"]


class TicksNotDeliveredError(RetryableError):
    """The brokers did not acknowledge every tick."""
