"""Two runs over the same ticks: which forecasts better, and whether that is more than chance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from ops.report.read import read_batches
from ops.report.skill import by_asset, column
from workers.replay import ReplayError, read_run
from workers.scoring import LossDifference, diebold_mariano, own_skill, own_units

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
    left_out: further ones, of which a run's was no number.
    mean_loss: squared errors of the first and of the second.
    skill: of both against persistence, each asset in units of its own moves; NaN where no price
        moved.
    statistic: Diebold-Mariano of the first against the second, in these units: below 0 the first is
        better; NaN where nothing differs, or too little was judged.
    chance: two-sided: how often chance alone gives a statistic as far from 0.
    better_assets: on how many assets the first has the smaller loss.
    worse_assets: on how many the larger one.
    judged_assets: of how many anything was judged.
    assets: how many there are.
    settings: hyperparameters, dtype and kind of decisions that differ: name -> both values.
    """

    judged: int
    left_out: int
    mean_loss: tuple[float, float]
    skill: tuple[float, float]
    statistic: float
    chance: float
    better_assets: int
    worse_assets: int
    judged_assets: int
    assets: int
    settings: dict[str, tuple[Any, Any]]


@dataclass(slots=True)
class _Asset:
    """Attributes:
    newest: the forecasts of the first and the second run and of persistence.
    counts: whether they count.
    left_out: how many counted and were no numbers.
    losses: sums of their squared errors.
    difference: of the runs' losses.
    """

    newest: Float64[ndarray, "3"] = field(default_factory=lambda: np.full(3, np.nan))
    counts: bool = False
    left_out: int = 0
    losses: Float64[ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    difference: LossDifference = field(default_factory=LossDifference)

    def add(
        self,
        price: Float64[ndarray, " n"],
        made: Float64[ndarray, "2 n"],
        counts: Bool[ndarray, " n"],
    ) -> None:
        """The next rows, and what both runs made of them."""
        forecasts = np.column_stack([self.newest, np.vstack([made, price])])
        counted = np.concatenate([[self.counts], counts[:-1]])
        judged = counted & np.isfinite(forecasts[:, :-1]).all(axis=0)
        losses = (price - forecasts[:, :-1])[:, judged] ** 2
        self.difference.add(losses[0] - losses[1])
        self.losses += losses.sum(axis=1)
        self.left_out += int(counted.sum() - judged.sum())
        self.newest, self.counts = forecasts[:, -1], bool(counts[-1])


def compare_runs(first: Path, second: Path) -> Comparison:
    """Read two finished runs side by side.

    Raises:
        ReplayError: one is no finished run, or they are not over the same ticks in one order.
    """
    runs = read_run(first), read_run(second)
    named: dict[str, _Asset] = {}
    homes: dict[str, int] = {}
    for a, b in _pairs(first, second):
        rejected = column(a, "outlier_rejected") | column(b, "outlier_rejected")
        rows = np.flatnonzero(~rejected)
        counts = ~(column(a, "warming_up") | column(b, "warming_up"))[rows]
        price = column(a, "price")[rows]
        made = np.stack([column(one, "predicted_price")[rows] for one in (a, b)])
        for name, here in by_asset(a, rows, homes):
            named.setdefault(name, _Asset()).add(price[here], made[:, here], counts[here])
    return _compared(list(named.values()), *(_settings(run) for run in runs))


def _settings(run: Mapping[str, Any]) -> dict[str, Any]:
    return {**run["config"], "dtype": run["dtype"], "decisions": run["decisions"]}


def _compared(
    assets: Sequence[_Asset], first: Mapping[str, Any], second: Mapping[str, Any]
) -> Comparison:
    judged = np.array([one.difference.count for one in assets], np.int64)
    *sides, persistence = np.array([one.losses for one in assets]).reshape(-1, 3).T
    units = own_units(judged, persistence)
    test = diebold_mariano(
        one.difference.in_units(float(unit))
        for one, unit in zip(assets, units, strict=True)
        if np.isfinite(unit)
    )
    mean_losses = [float(side.sum()) / max(int(judged.sum()), 1) for side in sides]
    skills = [own_skill(judged, side, persistence) for side in sides]
    return Comparison(
        judged=int(judged.sum()),
        left_out=sum(one.left_out for one in assets),
        mean_loss=(mean_losses[0], mean_losses[1]),
        skill=(skills[0], skills[1]),
        statistic=test.statistic,
        chance=2.0 * min(test.chance, 1.0 - test.chance),
        better_assets=sum(one.difference.total < 0.0 for one in assets),
        worse_assets=sum(one.difference.total > 0.0 for one in assets),
        judged_assets=int(np.count_nonzero(judged)),
        assets=len(assets),
        settings={
            key: (first.get(key), second.get(key))
            for key in {**first, **second}
            if first.get(key) != second.get(key)
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
