"""Two runs over the same ticks: which forecasts better, and whether that is more than chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ops.report.read import read_batches
from ops.report.skill import by_asset, column
from workers.replay import ReplayError, read_run
from workers.scoring import LossDifference, diebold_mariano

__all__ = ["Comparison", "compare_runs"]

_KEYS: Final = ("source_partition", "source_offset", "timestamp_ns", "asset_id", "price")
_COLUMNS: Final = (
    *_KEYS,
    "predicted_price",
    "warming_up",
    "outlier_rejected",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Attributes:
    judged: forecasts that both runs made after warming up, and that a price judged.
    mean_loss: squared errors of the first and of the second.
    statistic: Diebold-Mariano of the first against the second: below 0 the first is better; NaN
        where nothing differs, or too little was judged.
    chance: two-sided: how often chance alone gives a statistic as far from 0.
    better_assets: on how many assets the first has the smaller loss.
    assets: how many there are.
    settings: hyperparameters that differ: name -> both values.
    """

    judged: int
    mean_loss: tuple[float, float]
    statistic: float
    chance: float
    better_assets: int
    assets: int
    settings: dict[str, tuple[Any, Any]]


@dataclass(slots=True)
class _Last:
    """An asset's newest forecasts, and whether they count."""

    forecasts: tuple[float, float]
    counts: bool


def compare_runs(first: Path, second: Path) -> Comparison:
    """Read two finished runs side by side.

    Raises:
        ReplayError: one is no finished run, or they are not over the same ticks in one order.
    """
    runs = read_run(first), read_run(second)
    differences: dict[str, LossDifference] = {}
    last: dict[str, _Last] = {}
    total = np.zeros(2)
    for a, b in _pairs(first, second):
        rejected = column(a, "outlier_rejected") | column(b, "outlier_rejected")
        rows = np.flatnonzero(~rejected)
        counts = ~(column(a, "warming_up") | column(b, "warming_up"))[rows]
        price = column(a, "price")[rows]
        made = np.stack([column(one, "predicted_price")[rows] for one in (a, b)])
        for name, here in by_asset(a, rows):
            before = last.get(name, _Last((np.nan, np.nan), counts=False))
            forecasts = np.column_stack([before.forecasts, made[:, here]])
            judged = np.concatenate([[before.counts], counts[here]])[:-1]
            losses = (price[here] - forecasts[:, :-1])[:, judged] ** 2
            differences.setdefault(name, LossDifference()).add(losses[0] - losses[1])
            total += losses.sum(axis=1)
            last[name] = _Last(
                (float(forecasts[0, -1]), float(forecasts[1, -1])), bool(counts[here[-1]])
            )
    judged_count = sum(one.count for one in differences.values())
    test = diebold_mariano(differences.values())
    divisor = max(judged_count, 1)
    configs = [run["config"] for run in runs]
    return Comparison(
        judged=judged_count,
        mean_loss=(float(total[0]) / divisor, float(total[1]) / divisor),
        statistic=test.statistic,
        chance=2.0 * min(test.chance, 1.0 - test.chance),
        better_assets=sum(one.total < 0.0 for one in differences.values()),
        assets=len(differences),
        settings={
            key: (configs[0].get(key), configs[1].get(key))
            for key in configs[0] | configs[1]
            if configs[0].get(key) != configs[1].get(key)
        },
    )


def _pairs(first: Path, second: Path) -> Iterator[tuple[Any, Any]]:
    """Batches of equal length over the same rows."""
    sides = [_Rows(run) for run in (first, second)]
    row = 0
    while True:
        size = min(side.ready() for side in sides)
        if size == 0:
            break
        a, b = (side.take(size) for side in sides)
        for key in _KEYS:
            if a.column(key).equals(b.column(key)):
                continue
            differing = np.flatnonzero(column(a, key) != column(b, key))
            if differing.size:
                raise ReplayError(
                    f"row {row + int(differing[0]) + 1}: {key} differs between {first} and "
                    f"{second}: only runs over the same ticks in the same order can be compared"
                )
        row += size
        yield a, b
    if sides[0].ready() != sides[1].ready():
        raise ReplayError(
            f"{first} and {second} agree in {row:,} rows, then one ends: only runs over the same "
            "ticks can be compared"
        )


class _Rows:
    """A run's rows, taken in pieces of any size up to a batch."""

    def __init__(self, run: Path) -> None:
        self._batches = read_batches(run, "results", _COLUMNS)
        self._batch: Any = None

    def ready(self) -> int:
        """How many can be taken at once; 0 at the end."""
        while self._batch is None or not self._batch.num_rows:
            self._batch = next(self._batches, None)
            if self._batch is None:
                return 0
        return int(self._batch.num_rows)

    def take(self, size: int) -> Any:
        """The next rows."""
        taken, self._batch = self._batch.slice(0, size), self._batch.slice(size)
        return taken
