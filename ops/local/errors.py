"""Errors of the local stack; each says where the log is or what to install."""

from core.errors import FatalError, RetryableError

__all__ = [
    "ArtifactError",
    "LocalDependencyError",
    "LocalStartError",
    "NoCacheError",
    "StackStateError",
]


class ArtifactError(RetryableError):
    """Kafka's jars could not be fetched, or did not have the pinned SHA-256."""


class LocalDependencyError(FatalError):
    """A Python package that the local stack needs is not installed."""


class LocalStartError(FatalError):
    """A local service ended, or did not answer in time, while starting."""


class NoCacheError(FatalError):
    """Nothing says where downloads and executables can be kept."""


class StackStateError(FatalError):
    """`tickfleet local` was asked for something the recorded stack cannot do."""
