"""Errors of searches for hyperparameters."""

from core.errors import FatalError, RetryableError

__all__ = ["NothingToJudgeError", "SearchHaltedError", "TuningError"]


class TuningError(FatalError):
    """A search cannot be done as asked; the message names what to change."""


class SearchHaltedError(RetryableError):
    """A search cannot go on for now; the trials that were finished are kept."""


class NothingToJudgeError(TuningError):
    """No trial can have a value, so none has been finished."""
