"""The error of a fleet that cannot be looked at."""

from core.errors import RetryableError

__all__ = ["FleetUnreadableError"]


class FleetUnreadableError(RetryableError):
    """The brokers do not answer, or refuse to tell."""
