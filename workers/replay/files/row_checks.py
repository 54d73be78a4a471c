"""What is followed from row to row of a table, and what a person is told of it at the end."""

from datetime import UTC, datetime
from typing import Final

from workers.replay.chunk import Refused, TickChunk
from workers.replay.files.layout import Layout, how
from workers.replay.files.order import OrderCheck
from workers.replay.files.quotes import QuoteCheck

__all__ = ["RowChecks"]

_ONE_YEAR_NS: Final = 365 * 86_400 * 10**9
"""Since 1970: there times of today fall that are read in too small a unit."""


class RowChecks:
    """What is followed from row to row of one source.

    Args:
        source: named in errors.
        layout: what is allowed.
    """

    def __init__(self, source: str, layout: Layout) -> None:
        self.quotes = QuoteCheck(source, layout)
        self._order = OrderCheck(source, layout)
        self._first_ns: int | None = None
        self._refused = 0
        self._first_refused: Refused | None = None

    def check(self, chunk: TickChunk) -> TickChunk:
        """The next chunk, without repeated rows where they are to be dropped.

        Raises:
            BadTicksError: a row is out of order, or repeats another.
        """
        if self._first_ns is None and chunk.accepted.any():
            self._first_ns = int(chunk.timestamp_ns[chunk.accepted.argmax()])
        checked = self._order.check(chunk)
        if checked.refused:
            self._refused += len(checked.refused)
            self._first_refused = self._first_refused or checked.refused[0]
        return checked

    def warnings(self) -> list[str]:
        """What was left out so far, and whether times are of another unit than they are read in."""
        left = ((self._order.dropped, "repeated rows"), (self.quotes.dropped, "quotes without mid"))
        found = [f"{count:,} {what} were dropped" for count, what in left if count]
        if (first := self._first_refused) is not None:
            found.append(
                f"rows that are no ticks: {self._refused:,}, the first is row "
                f"{first.offset + 1}: {first.message}"
            )
        if self._first_ns is not None and self._first_ns < _ONE_YEAR_NS:
            stamp = datetime.fromtimestamp(self._first_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
            found.append(
                f"the first tick is of {stamp}: if it is not, say its unit, as in "
                f"{how('time_unit', 'ms')}"
            )
        return found
