"""What the page knows of one asset: its newest result, how well it is forecast, its history."""

import math
from collections.abc import Mapping
from typing import Any, Final

from core import RESULT_FLAGS
from ops.web.history import History, plain

__all__ = ["AssetView", "price_of"]

_MEMORY: Final = 0.98
"""Of the mean forecast error, per tick: about the last fifty ticks count."""
_QUIET: Final = frozenset({"sinkhorn_converged"})
_SPARK_POINTS: Final = 32


def price_of(result: Mapping[str, Any]) -> float:
    """The price that a result answers: its forecast less the increment that the mixture expects."""
    terms = zip(result["weights"], result["kernel_forecasts"], strict=True)
    increment = sum(weight * move for weight, move in terms if math.isfinite(move))
    return float(result["predicted_price"] - increment)


class AssetView:
    """Folds an asset's results, one after the other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.history = History()
        self.seen = 0
        self.error = math.nan
        self._result: Mapping[str, Any] = {}
        self._price = math.nan

    def fold(self, result: Mapping[str, Any]) -> None:
        """Take the next result in; one that was seen before changes nothing."""
        before = self._result
        if before and _seen(result, before):
            return
        price = price_of(result)
        if before and result["sequence"] == before["sequence"] + 1:
            self._judge(price, before)
        self._result, self._price = result, price
        self.seen += 1
        self.history.add(result["timestamp_ns"], {**result, "price": price})

    @property
    def change(self) -> float:
        """Relative change of the price over the history held."""
        held = self.history.prices(2)
        first = held[0] if held else None
        return (self._price - first) / abs(first) if first else 0.0

    @property
    def alarm_share(self) -> float:
        """The CUSUM statistic over its threshold: an alarm at 1."""
        threshold = self._result["adaptive_threshold"]
        return float(self._result["cusum_drift"] / threshold) if threshold > 0 else 0.0

    @property
    def at_ns(self) -> int:
        """Event time of the newest result."""
        return int(self._result["timestamp_ns"])

    def row(self) -> dict[str, Any]:
        """The asset as a line of the list."""
        result = self._result
        return {
            "asset_id": self.name,
            "partition": result["source_partition"],
            "sequence": result["sequence"],
            "at_ms": self.at_ns / 1e6,
            "price": plain(self._price),
            "change": plain(self.change),
            "mean_error": plain(self.error),
            "alarm_share": plain(self.alarm_share),
            "mode": result["mode"],
            "flags": [name for name in RESULT_FLAGS if result[name] and name not in _QUIET],
            "signature_depth": result["signature_depth"],
            "weights": [plain(round(weight, 4)) for weight in result["weights"]],
            **{
                name: plain(result[name])
                for name in (
                    "predicted_price",
                    "location",
                    "scale",
                    "holder_exponent",
                    "kurtosis",
                    "free_energy",
                    "cusum_drift",
                    "adaptive_threshold",
                )
            },
        }

    def line(self) -> dict[str, Any]:
        """`row` with a few prices for a small picture."""
        return {**self.row(), "spark": self.history.prices(_SPARK_POINTS)}

    def _judge(self, price: float, before: Mapping[str, Any]) -> None:
        error = abs(price - before["predicted_price"]) / before["scale"]
        if math.isfinite(error):
            known = math.isfinite(self.error)
            self.error = self.error * _MEMORY + error * (1 - _MEMORY) if known else error


def _seen(result: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """A reader that starts anew goes back a little. A topic made anew has newer ticks."""
    return bool(
        result["source_offset"] <= before["source_offset"]
        and result["source_partition"] == before["source_partition"]
        and result["timestamp_ns"] <= before["timestamp_ns"]
    )
