"""Errors of searches for hyperparameters."""

from core.errors import FatalError

__all__ = ["TuningError"]


class TuningError(FatalError):
    """A search cannot be done as asked; the message names what to change."""
