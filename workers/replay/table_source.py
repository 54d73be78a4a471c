"""Ticks from Arrow record batches: a table in memory, or a stream of them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from workers.replay.arrow_ticks import require_columns, ticks_of
from workers.replay.chunk import TickChunk
from workers.replay.layout import Layout
from workers.replay.order import OrderCheck
from workers.replay.quotes import QuoteCheck

__all__ = ["BatchSource", "RowChecks", "layout_digest", "tick_chunks"]


class RowChecks:
    """What is followed from row to row of one source.

    Args:
        source: named in errors.
        layout: what is allowed.
    """

    def __init__(self, source: str, layout: Layout) -> None:
        self.order = OrderCheck(source, layout)
        self.quotes = QuoteCheck(source, layout)

    def warnings(self) -> list[str]:
        """What was left out so far."""
        found = ((self.order.dropped, "repeated rows"), (self.quotes.dropped, "quotes without mid"))
        return [f"{count:,} {what} were dropped" for count, what in found if count]


class BatchSource:
    """Ticks of record batches that are already there.

    Args:
        name: stamped into results.
        batches: `pyarrow.RecordBatch`es, read once.
        layout: their columns.
    """

    def __init__(self, name: str, batches: Iterable[Any], layout: Layout) -> None:
        self.name = name
        self.share = 0.0
        self.warnings: list[str] = []
        self._batches = batches
        self._layout = layout

    @property
    def merged_by_time(self) -> bool:
        """The rows stand as they stand."""
        return False

    def describe(self) -> dict[str, Any]:
        """Nothing identifies what is only in memory but its name."""
        return {"kind": "memory", "name": self.name}

    def chunks(
        self,
        after: Mapping[int, int],
        reached_ns: Mapping[int, int] | None = None,  # noqa: ARG002
    ) -> Iterator[TickChunk]:
        """The ticks, checked; a batch becomes a chunk."""
        checks = RowChecks(self.name, self._layout)
        yield from tick_chunks(self.name, self._batches, self._layout, checks, after)
        self.share = 1.0
        self.warnings = checks.warnings()


def tick_chunks(
    source: str,
    batches: Iterable[Any],
    layout: Layout,
    checks: RowChecks,
    after: Mapping[int, int],
) -> Iterator[TickChunk]:
    """Convert and check batches; rows before `after[0]` are checked and not handed on.

    Raises:
        BadTicksError: they cannot be used.
    """
    first_row, wanted_from = 0, after.get(0, 0)
    for batch in batches:
        require_columns(source, batch.schema.names, layout)
        if not batch.num_rows:
            continue
        chunk = ticks_of(source, batch, first_row=first_row, layout=layout, quotes=checks.quotes)
        chunk = checks.order.check(chunk)
        first_row += batch.num_rows
        if len(chunk) and chunk.offset[0] < wanted_from:
            chunk = chunk.take(np.flatnonzero(chunk.offset >= wanted_from))
        if len(chunk):
            yield chunk


def layout_digest(layout: Layout) -> str:
    """Tells two ways of reading the same file apart."""
    return hashlib.sha256(repr(layout).encode()).hexdigest()[:16]
