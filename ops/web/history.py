"""The last minutes of one asset, a point for each half second, in memory that does not grow."""

from typing import Any, Final

import numpy as np

__all__ = ["BUCKET_NS", "HISTORY_POINTS", "History", "plain"]

BUCKET_NS: Final = 500_000_000
"""Event time that one point stands for: the last tick in it."""
HISTORY_POINTS: Final = 480
_START_AGAIN_NS: Final = 60_000_000_000
_FIELDS: Final = (
    "price",
    "predicted_price",
    "location",
    "scale",
    "holder_exponent",
    "cusum_drift",
    "adaptive_threshold",
)
_POINT: Final = np.dtype(
    [("at_ns", np.int64), *((name, np.float64) for name in _FIELDS), ("weights", np.float32, 4)]
)


class History:
    """A ring of points. `end` counts the points ever begun, so that a reader knows what is new."""

    def __init__(self) -> None:
        self._points = np.zeros(HISTORY_POINTS, _POINT)
        self.end = 0
        self._begin = 0

    def add(self, at_ns: int, values: dict[str, Any]) -> None:
        """Take a tick's values in: a new point, or a newer state of the last one."""
        if self.end > self._begin:
            last = self._points[(self.end - 1) % HISTORY_POINTS]
            newest_ns = int(last["at_ns"])
            if at_ns < newest_ns - _START_AGAIN_NS:
                self._begin = self.end  # somebody plays the past: one line must not go back
            elif at_ns // BUCKET_NS <= newest_ns // BUCKET_NS:
                # An excursion of the statistic inside the half second stays visible.
                peak = max(float(last["cusum_drift"]), values["cusum_drift"])
                self._write(last, max(at_ns, newest_ns), values)
                last["cusum_drift"] = peak
                return
        self.end += 1
        self._begin = max(self._begin, self.end - HISTORY_POINTS)
        self._write(self._points[(self.end - 1) % HISTORY_POINTS], at_ns, values)

    def columns(self, since: int = 0) -> dict[str, Any]:
        """Points from number `since` on, oldest first, as lists; None where a value is no number.

        Returns:
            `first`: the number of the first point; `at_ms`: event time, milliseconds since the
            epoch; a list for each field; `weights`: four numbers a point.
        """
        first = max(since, self._begin)
        chosen = self._points[np.arange(first, max(self.end, first)) % HISTORY_POINTS]
        found: dict[str, Any] = {"first": first, "at_ms": (chosen["at_ns"] / 1e6).tolist()}
        for name in _FIELDS:
            found[name] = [plain(value) for value in chosen[name].tolist()]
        found["weights"] = [
            [plain(round(value, 4)) for value in point] for point in chosen["weights"].tolist()
        ]
        return found

    def prices(self, count: int) -> list[float | None]:
        """At most `count` prices spread over the history, the newest last."""
        held = self.end - self._begin
        at = np.linspace(self._begin, self.end - 1, min(count, held)).astype(np.int64)
        return [plain(price) for price in self._points["price"][at % HISTORY_POINTS].tolist()]

    def _write(self, point: Any, at_ns: int, values: dict[str, Any]) -> None:
        point["at_ns"] = at_ns
        for name in (*_FIELDS, "weights"):
            point[name] = values[name]


def plain(value: float) -> float | None:
    """The number, or None: JSON has no NaN and no infinities."""
    return value if np.isfinite(value) else None
