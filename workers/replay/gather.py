"""Chunks joined until a batch fills the tiles.

A tile of 64 assets takes as many calls for a batch as its busiest asset has ticks. Where assets
tick at random, the busiest of 64 has 1.3 times the average with 65 ticks an asset, 1.1 times with
260. So the more assets, the larger the batch, as far as memory goes. Bits do not depend on it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from workers.replay.chunk import TickChunk

__all__ = ["batch_rows", "gathered"]

_ROWS_AN_ASSET: Final = 256
_LEAST_ROWS: Final = 65_536
_MOST_ROWS: Final = 262_144
"""A kilobyte each while they are stepped and written."""


def batch_rows(assets: int) -> int:
    """How many rows are best stepped at once, with so many assets."""
    return min(max(_ROWS_AN_ASSET * assets, _LEAST_ROWS), _MOST_ROWS)


def gathered(chunks: Iterable[TickChunk], wanted: Callable[[], int]) -> Iterator[TickChunk]:
    """Chunks of at least so many records, but for the last; none is divided.

    Args:
        chunks: in order.
        wanted: how many records; asked anew as chunks come.
    """
    held: list[TickChunk] = []
    for chunk in chunks:
        held.append(chunk)
        if sum(map(len, held)) >= wanted():
            yield TickChunk.join(held)
            held = []
    if held:
        yield TickChunk.join(held)
