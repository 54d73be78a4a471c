"""What a restore tried and found: for events, logs and the operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapshots.scope import ManifestRef

__all__ = ["RestoreAttempt", "RestoreReport"]


@dataclass(frozen=True, slots=True)
class RestoreAttempt:
    """One manifest that was tried; `reason` is why it was refused, None when it was used."""

    ref: ManifestRef
    reason: str | None


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """`attempts` in order; `runtime_differences`: entry -> (stored, current)."""

    attempts: tuple[RestoreAttempt, ...] = ()
    runtime_differences: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[RestoreAttempt, ...]:
        return tuple(attempt for attempt in self.attempts if attempt.reason is not None)

    @property
    def fell_back(self) -> bool:
        """Whether another snapshot than the one asked for was used."""
        return len(self.attempts) > 1 and self.attempts[-1].reason is None

    def describe(self) -> str:
        """One line for a log or an error message."""
        if not self.attempts:
            return "no snapshot was named by a commit"
        return "; ".join(
            f"{attempt.ref.name}: {attempt.reason or 'used'}" for attempt in self.attempts
        )
