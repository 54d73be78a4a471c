"""Which of many results are worth decoding for a page. Pure."""

from collections.abc import Sequence
from typing import Final

from confluent_kafka import Message

__all__ = ["thinned"]

_FEW: Final = 1_000
_SLICE_MS: Final = 100
_EACH: Final = 2


def thinned(messages: Sequence[Message]) -> list[Message]:
    """All where they are few; else at most two of an asset in a tenth of a second, the newest.

    Two that follow each other tell how well the first one forecast. The order is kept.
    """
    if len(messages) <= _FEW:
        return list(messages)
    taken: dict[tuple[bytes, int], int] = {}
    kept = []
    for message in reversed(messages):
        place = (message.key() or b"", message.timestamp()[1] // _SLICE_MS)
        count = taken.get(place, 0)
        if count < _EACH:
            taken[place] = count + 1
            kept.append(message)
    kept.reverse()
    return kept
