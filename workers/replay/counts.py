"""What a run has done so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from workers.replay.chunk import TickChunk
from workers.replay.engine import Stepped

__all__ = ["Counts"]


@dataclass
class Counts:
    """What has been done: records read, results, refused records, flag events, event times."""

    records: int = 0
    results: int = 0
    refused: int = 0
    flags: int = 0
    first_timestamp_ns: int | None = None
    last_timestamp_ns: int | None = None

    def add(self, chunk: TickChunk, stepped: Stepped) -> None:
        """Count one chunk, without the flag events that it raised."""
        self.records += len(chunk)
        self.results += len(stepped.price)
        self.refused += len(chunk.refused)
        if len(stepped.price):
            stamps = stepped.results.timestamp_ns
            first, last = int(stamps.min()), int(stamps.max())
            self.first_timestamp_ns = min(first, self.first_timestamp_ns or first)
            self.last_timestamp_ns = max(last, self.last_timestamp_ns or last)

    @classmethod
    def total(cls, counts: Iterable[Mapping[str, Any]]) -> Self:
        """Of several runs, as their `run.json` have them."""
        found = list(counts)
        sums = {
            name: sum(one[name] for one in found)
            for name in ("records", "results", "refused", "flags")
        }
        firsts = [v for one in found if (v := one["first_timestamp_ns"]) is not None]
        lasts = [v for one in found if (v := one["last_timestamp_ns"]) is not None]
        return cls(
            **sums,
            first_timestamp_ns=min(firsts, default=None),
            last_timestamp_ns=max(lasts, default=None),
        )
