"""Which of many equal log lines are written: the first at once, then one an interval. Pure."""

from collections.abc import Hashable
from dataclasses import dataclass

__all__ = ["LogThrottle"]


@dataclass(slots=True)
class _Line:
    """The last written line of a kind, and what was kept back since."""

    written_s: float
    kept_back: int = 0


class LogThrottle:
    """Keeps book of what was written when, by kind; remembers as many kinds as there are.

    Args:
        interval_s: least time between two lines of a kind.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._last: dict[Hashable, _Line] = {}

    def due(self, kind: Hashable, now_s: float) -> int | None:
        """Whether to write a line now: how many of its kind were kept back before, or None.

        Args:
            kind: what lines that say the same have in common.
            now_s: the time of this one, by a clock that never goes back.
        """
        last = self._last.get(kind)
        if last is None or now_s - last.written_s >= self._interval_s:
            self._last[kind] = _Line(now_s)
            return 0 if last is None else last.kept_back
        last.kept_back += 1
        return None
