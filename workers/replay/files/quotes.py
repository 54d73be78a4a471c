"""Quotes to mid prices; a quote without one is an error, or left out and counted."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from workers.replay.errors import BadTicksError
from workers.replay.files.layout import BadQuotes, Layout, how

__all__ = ["QuoteCheck"]

_REMEDY: Final = f"correct the row, or leave such rows out: {how('bad_quotes', 'drop')}"
_Prices = Float64[ndarray, " n"]


class QuoteCheck:
    """Follows the rows of one source.

    Args:
        source: named in errors.
        layout: what to do with quotes that have no mid.
    """

    def __init__(self, source: str, layout: Layout) -> None:
        self._source = source
        self._layout = layout
        self.dropped = 0

    def mid(
        self, bid: _Prices, ask: _Prices, *, first_row: int
    ) -> tuple[_Prices, Bool[ndarray, " n"]]:
        """Mid prices, and which rows have one.

        Args:
            bid: NaN where there is none.
            ask: likewise.
            first_row: number of the first row, from 0.

        Raises:
            BadTicksError: a row has none, and such rows are not to be dropped.
        """
        empty = ~(np.isfinite(bid) & np.isfinite(ask))
        if not self._layout.allow_nonpositive_prices:
            # A zero is how many feeds write that there is no quote.
            empty |= (bid <= 0.0) | (ask <= 0.0)
        bad = empty | (bid > ask)
        if bad.any() and self._layout.bad_quotes is BadQuotes.REFUSE:
            at = int(bad.argmax())
            what = "one side is empty" if empty[at] else "it is crossed"
            raise BadTicksError(
                f"{self._source}: row {first_row + at + 1}: bid {bid[at]:g} and ask {ask[at]:g} "
                f"have no mid, {what}: {_REMEDY}"
            )
        self.dropped += int(bad.sum())
        return bid + (ask - bid) / 2.0, ~bad
