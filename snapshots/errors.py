"""Errors of the snapshots room.

Retryable means that the store could not be reached or was busy; every other error needs an
operator, another snapshot or another configuration. Damaged bytes have exactly one type,
`IntegrityError`, whatever was wrong with them.
"""

from typing import TYPE_CHECKING

from core.errors import FatalError, RetryableError

if TYPE_CHECKING:
    from snapshots.report import RestoreReport

__all__ = [
    "AnotherTopicError",
    "IntegrityError",
    "InvalidSnapshotError",
    "NoValidSnapshotError",
    "ObjectNotFoundError",
    "SnapshotBusyError",
    "SnapshotMismatchError",
    "StoreAccessError",
    "StoreError",
    "WriterClosedError",
]


class StoreError(RetryableError):
    """The object store is unreachable, slow, overloaded or full: try again later."""


class StoreAccessError(FatalError):
    """The object store answers and refuses: credentials, permissions, bucket, URL or options."""


class ObjectNotFoundError(FatalError):
    """The store holds no object under this key."""


class IntegrityError(FatalError, ValueError):
    """Stored bytes are not what was written: truncated, altered, too large, or of another format.

    Also a `ValueError`, as the specification asks (section 6, `load_snapshot`).
    """


class InvalidSnapshotError(FatalError, ValueError):
    """A scope, image, header or key that cannot be stored: the caller's defect."""


class SnapshotBusyError(RetryableError):
    """This scope has a snapshot in flight: keep the dirty flags and submit after it has ended."""


class WriterClosedError(FatalError):
    """The writer was closed and takes no more work."""


class SnapshotMismatchError(FatalError, ValueError):
    """A sound snapshot that was written under another configuration or state layout.

    Also a `ValueError`, as the specification asks (section 6, `load_snapshot`).
    `differing` names the configuration keys (and "schema_version", "dtype", "blocks") that differ.
    """

    def __init__(self, message: str, differing: tuple[str, ...]) -> None:
        super().__init__(message)
        self.differing = differing


class AnotherTopicError(FatalError, ValueError):
    """A sound snapshot, but of another topic of the same name: one that was deleted since, or
    another cluster's. `topic_id` is that one's; its journal was read from `journal_position`.
    """

    def __init__(self, message: str, topic_id: str, journal_position: int) -> None:
        super().__init__(message)
        self.topic_id = topic_id
        self.journal_position = journal_position


class NoValidSnapshotError(FatalError):
    """No snapshot of the scope can be used; `report` says what was tried and why each failed.

    The caller decides whether the partition starts cold or stops.
    """

    def __init__(self, message: str, report: "RestoreReport") -> None:
        super().__init__(message)
        self.report = report
