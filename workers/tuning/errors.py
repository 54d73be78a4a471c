"""Errors of searches for hyperparameters."""

from core.errors import FatalError

__all__ = ["NothingToJudgeError", "TuningError"]


class TuningError(FatalError):
    """A search cannot be done as asked; the message names what to change."""


class NothingToJudgeError(TuningError):
    """No trial can have a value, so none has been finished."""
