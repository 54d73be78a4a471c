"""Errors of sending dead letters back."""

from core.errors import FatalError, RetryableError

__all__ = ["HopelessReplayError", "LetterTooLargeError", "ReplayError"]


class HopelessReplayError(FatalError):
    """Records of this class can never become ticks."""


class LetterTooLargeError(FatalError):
    """A setting keeps a copy from being sent; nothing of the last transaction is visible."""


class ReplayError(RetryableError):
    """Brokers failed; nothing of the last transaction is visible. Run it again."""
