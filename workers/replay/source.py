"""Where a replay's ticks come from, as the runner sees it."""

from collections.abc import Generator, Mapping
from typing import Any, Protocol

from workers.replay.chunk import TickChunk

__all__ = ["TickSource"]


class TickSource(Protocol):
    """A bounded stream of ticks, the same each time it is read."""

    @property
    def name(self) -> str:
        """Stamped into every result as the source topic."""

    @property
    def share(self) -> float:
        """How much of it has been read, 0 to 1."""

    @property
    def warnings(self) -> list[str]:
        """What a person should know about the data; complete after the last chunk."""

    @property
    def merged_by_time(self) -> bool:
        """Whether partitions are merged by event time; else they come in order of number and
        offset.
        """

    def describe(self) -> dict[str, Any]:
        """What identifies it: equal for equal ticks, JSON-serialisable."""

    def chunks(
        self, after: Mapping[int, int], reached_ns: Mapping[int, int] | None = None
    ) -> Generator[TickChunk]:
        """Read on. A chunk may be empty: a source that waits gives such, so that it can be ended.

        Args:
            after: per partition the first offset still wanted; absent: from the beginning.
            reached_ns: per partition the latest event time before that, where it is known: a
                late tick keeps its place behind it.

        Raises:
            BadTicksError: it cannot be used.
            RetryableError: brokers did not answer.
        """
