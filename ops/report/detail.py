"""Single assets over time: the second pass, for the few that are worth a look."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from ops.report.read import read_batches
from ops.report.skill import by_asset, column

__all__ = ["AssetDetail", "asset_details"]

_STRETCHES: Final = 300
_VALUES: Final = ("holder_exponent", "cusum_drift", "adaptive_threshold")
_MOST_ALARMS: Final = 200


@dataclass(slots=True)
class AssetDetail:
    """Attributes:
    time_ns: middle of each stretch in which the asset has ticks.
    lines: per value its mean (of the CUSUM its maximum) in each of them.
    alarms_ns: times of regime changes, the first 200.
    """

    time_ns: Float64[ndarray, " s"]
    lines: dict[str, Float64[ndarray, " s"]] = field(default_factory=dict)
    alarms_ns: list[float] = field(default_factory=list)


def asset_details(
    run: Path, assets: Collection[str], *, first_ns: int, last_ns: int
) -> dict[str, AssetDetail]:
    """Read the run once more."""
    length = max(last_ns - first_ns, 1)
    middle = first_ns + length / _STRETCHES * (np.arange(_STRETCHES) + 0.5)
    sums = {name: np.zeros((len(_VALUES) + 1, _STRETCHES)) for name in assets}
    details = {name: AssetDetail(middle) for name in assets}
    columns = ["asset_id", "timestamp_ns", "regime_change_detected", *_VALUES]
    for batch in read_batches(run, "results", columns):
        stamps = column(batch, "timestamp_ns")
        for name, here in by_asset(batch, np.arange(batch.num_rows)):
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
            alarms = stamps[here][column(batch, "regime_change_detected")[here]]
            details[name].alarms_ns.extend(alarms.tolist())
    for name, detail in details.items():
        known = sums[name][-1] > 0
        detail.time_ns = middle[known]
        for number, value in enumerate(_VALUES):
            divisor = 1.0 if value == "cusum_drift" else sums[name][-1, known]
            detail.lines[value] = sums[name][number, known] / divisor
        del detail.alarms_ns[_MOST_ALARMS:]
    return details
