"""Errors of replays, and the warning of those that are done."""

from core.errors import FatalError, RetryableError

__all__ = [
    "BadTicksError",
    "DifferentRunError",
    "NoRoomError",
    "ReplayError",
    "TakenRunIdError",
    "TicksWarning",
]


class ReplayError(FatalError):
    """A replay cannot be done as asked; the message says what to change."""


class BadTicksError(ReplayError):
    """Ticks cannot be used; the message names where they come from, the row and the remedy."""


class DifferentRunError(ReplayError):
    """What lies in the folder belongs to another run."""


class TakenRunIdError(ReplayError):
    """Under this run id another run publishes, or has published."""


class NoRoomError(RetryableError):
    """The disk takes no more, or no larger files; what was done before is kept."""


class TicksWarning(UserWarning):
    """What a person should know about the ticks that were given: of Python's own warnings."""
