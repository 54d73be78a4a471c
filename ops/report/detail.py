"""Single assets over time: the second pass, for the few that are worth a look."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from ops.report.read import read_batches
from ops.report.skill import by_asset, column

__all__ = ["AssetDetail", "asset_details"]

_STRETCHES: Final = 300
_PLACES: Final = ("asset_id", "source_partition")
_VALUES: Final = ("holder_exponent", "cusum_drift", "adaptive_threshold")
_MOST_ALARMS: Final = 200


@dataclass(slots=True)
class AssetDetail:
    """Attributes:
    time_ns: middle of each stretch in which the asset has ticks.
    lines: per value its mean (of the CUSUM its maximum) in each of them.
    alarms_ns: times of regime changes, the first 200.
    graces_ns: begin and end of the silence after each of them.
    """

    time_ns: Float64[ndarray, " s"]
    lines: dict[str, Float64[ndarray, " s"]] = field(default_factory=dict)
    alarms_ns: list[float] = field(default_factory=list)
    graces_ns: list[tuple[float, float]] = field(default_factory=list)


def asset_details(
    run: Path, assets: Collection[str], *, first_ns: int, last_ns: int, grace_ticks: int
) -> dict[str, AssetDetail]:
    """Read the run once more.

    Args:
        run: the folder.
        assets: of which.
        first_ns, last_ns: event time of the run's ends.
        grace_ticks: ticks without alarms after a regime change.
    """
    length = max(last_ns - first_ns, 1)
    middle = first_ns + length / _STRETCHES * (np.arange(_STRETCHES) + 0.5)
    sums = {name: np.zeros((len(_VALUES) + 1, _STRETCHES)) for name in assets}
    details = {name: AssetDetail(middle) for name in assets}
    graces = {name: _Graces(grace_ticks) for name in assets}
    columns = [*_PLACES, "timestamp_ns", "sequence", "regime_change_detected", *_VALUES]
    homes: dict[str, int] = {}
    for batch in read_batches(run, "results", columns):
        stamps = column(batch, "timestamp_ns")
        for name, here in by_asset(batch, np.arange(batch.num_rows), homes):
            if name not in sums:
                continue
            place = (stamps[here] - first_ns) / length * _STRETCHES
            at = np.clip(place.astype(np.int64), 0, _STRETCHES - 1)
            total = sums[name]
            total[-1] += np.bincount(at, minlength=_STRETCHES)
            for number, value in enumerate(_VALUES):
                found = np.nan_to_num(column(batch, value)[here])
                if value == "cusum_drift":
                    np.maximum.at(total[number], at, found)
                else:
                    total[number] += np.bincount(at, found, _STRETCHES)
            alarm = column(batch, "regime_change_detected")[here]
            details[name].alarms_ns.extend(stamps[here][alarm].tolist())
            graces[name].add(column(batch, "sequence")[here], stamps[here], alarm)
    for name, detail in details.items():
        known = sums[name][-1] > 0
        detail.time_ns = middle[known]
        for number, value in enumerate(_VALUES):
            divisor = 1.0 if value == "cusum_drift" else sums[name][-1, known]
            detail.lines[value] = sums[name][number, known] / divisor
        del detail.alarms_ns[_MOST_ALARMS:]
        detail.graces_ns = graces[name].spans(last_ns)[:_MOST_ALARMS]
    return details


class _Graces:
    """Spans of time from an alarm to its last tick of grace."""

    def __init__(self, ticks: int) -> None:
        self._ticks = ticks
        self._done: list[tuple[float, float]] = []
        self._open: list[tuple[int, float]] = []

    def add(
        self,
        sequence: Int64[ndarray, " n"],
        stamps: Int64[ndarray, " n"],
        alarm: Bool[ndarray, " n"],
    ) -> None:
        """The asset's next ticks."""
        ends = zip((sequence[alarm] + self._ticks).tolist(), stamps[alarm].tolist(), strict=True)
        waiting = self._open + list(ends)
        self._open = []
        for last, begun_ns in waiting:
            at = int(np.searchsorted(sequence, last))
            if at < sequence.size:
                self._done.append((float(begun_ns), float(stamps[at])))
            else:
                self._open.append((last, begun_ns))

    def spans(self, last_ns: int) -> list[tuple[float, float]]:
        """All of them; one that the run cuts off ends with it."""
        return self._done + [(float(begun_ns), float(last_ns)) for _, begun_ns in self._open]
