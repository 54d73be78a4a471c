"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Status"]


class Status(StrEnum):
    """How bad it is. `FAILED` makes the command's exit code 1; the others do not."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `remedy` is what to do; empty when nothing is to be done."""

    check: str
    status: Status
    message: str
    remedy: str = ""

    @classmethod
    def ok(cls, check: str, message: str) -> "Finding":
        """Nothing to do."""
        return cls(check, Status.OK, message)

    @classmethod
    def warning(cls, check: str, message: str, remedy: str) -> "Finding":
        """Works, but will bite."""
        return cls(check, Status.WARNING, message, remedy)

    @classmethod
    def failed(cls, check: str, message: str, remedy: str) -> "Finding":
        """A worker would not start, or a partition would stop."""
        return cls(check, Status.FAILED, message, remedy)

    @classmethod
    def skipped(cls, check: str, message: str) -> "Finding":
        """Could not be looked at, because of an earlier finding or because it is not in use."""
        return cls(check, Status.SKIPPED, message)
