"""Remembers the last events by their id."""

from collections import OrderedDict

__all__ = ["Seen"]


class Seen:
    """A set of ids that forgets the oldest; `limit` bounds the memory."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def is_new(self, event_id: str) -> bool:
        """Whether the id was not seen before."""
        return event_id not in self._ids

    def add(self, event_id: str) -> None:
        """Remember an id, once what it stands for has been dealt with."""
        self._ids[event_id] = None
        self._ids.move_to_end(event_id)
        while len(self._ids) > self._limit:
            self._ids.popitem(last=False)
