"""What a worker does, as spans for a tracing back end; each is told once, after it has ended.

There is one for a micro-batch, a transaction, a snapshot, a recovery; none for a tick. Nothing
here knows OpenTelemetry: `ops.traces` does. While nobody traces, a micro-batch costs a few calls
that do nothing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["NullTracer", "Span", "Stopwatch", "Tracer", "Untimed"]


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work.

    Attributes:
        name: batch, transaction, snapshot or recovery.
        took_s: how long it took.
        stages: its parts that followed one another from its beginning, seconds each.
        attributes: partitions, offsets, counts.
        problem: why it failed; empty where it did not.
        ended_ns: when, nanoseconds since the Unix epoch; None is now.
    """

    name: str
    took_s: float
    stages: Mapping[str, float] = field(default_factory=dict)
    attributes: Mapping[str, str | int | Sequence[int]] = field(default_factory=dict)
    problem: str = ""
    ended_ns: int | None = None


class Untimed:
    """A stopwatch that does not run."""

    def mark(self, stage: str) -> None:
        """A stage has ended."""


class Stopwatch(Untimed):
    """Measures stages that follow one another, from its making on."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._since_s = time.perf_counter()

    def mark(self, stage: str) -> None:
        """A stage has ended, and the next one begins."""
        now_s = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + now_s - self._since_s
        self._since_s = now_s


class Tracer(Protocol):
    """Where spans go. Calls never block and never raise."""

    @property
    def active(self) -> bool:
        """Whether anybody wants spans; where not, none need be made."""

    def record(self, span: Span) -> None:
        """Take an ended span."""


class NullTracer:
    """Nobody wants spans."""

    active = False

    def record(self, span: Span) -> None:
        """Forget it."""
