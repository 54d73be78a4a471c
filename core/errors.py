"""The root of the project's one tree of errors.

Each room derives its own errors from these two branches, so that a caller can tell by
type alone whether trying again may help.
"""

__all__ = ["FatalError", "RetryableError", "TickFleetError"]


class TickFleetError(Exception):
    """Base of every error that TickFleet raises on purpose; its message says what to do next."""


class RetryableError(TickFleetError):
    """The outside world failed (broker, store, registry): the same call may succeed later."""


class FatalError(TickFleetError):
    """Trying again cannot help: configuration, data or an operator's decision must change."""
