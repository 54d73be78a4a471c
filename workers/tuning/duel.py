"""Two configurations side by side over the same ticks: the chosen one and the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from core import PredictorConfig
from workers.replay import EventTime
from workers.replay.engine import Engine
from workers.scoring import LossDifference
from workers.tuning.asset_sums import AssetSums
from workers.tuning.evaluate import Task
from workers.tuning.folds import pieces
from workers.tuning.judge import Judge, Losses
from workers.tuning.objective import Objective

__all__ = ["DuelFold", "duel"]


@dataclass(slots=True)
class DuelFold:
    """Attributes:
    fold: its number.
    held_out: whether it took no part in the choice.
    sums: losses of the chosen one, the baseline and persistence, on forecasts that both made.
    """

    fold: int
    held_out: bool
    sums: AssetSums = field(default_factory=lambda: AssetSums(3))
    _against: dict[int, LossDifference] = field(default_factory=dict)

    def against(self, objective: Objective) -> list[LossDifference]:
        """The chosen one's losses less the baseline's: a series of each asset, in its units."""
        units = objective.units(self.sums.judged, self.sums.losses[-1])
        return [
            series.in_units(float(units[asset]))
            for asset, series in self._against.items()
            if np.isfinite(units[asset])
        ]

    def add(self, chosen: Losses, baseline: Losses, embargo: int) -> None:
        """The next chunk of the fold."""
        joined = np.concatenate([chosen.losses[:1], baseline.losses])
        known = np.isfinite(joined).all(axis=0)
        if self.held_out:
            # A forecast made before the cut, or right behind it, is not the held-out fold's.
            known &= chosen.age >= embargo
        self.sums.add(chosen.asset[known], joined[:, known])
        self._differ(chosen.asset[known], (joined[0] - joined[1])[known])

    def _differ(self, asset: Int64[ndarray, " n"], difference: Float64[ndarray, " n"]) -> None:
        order = np.argsort(asset, kind="stable")
        cuts = np.flatnonzero(np.diff(asset[order])) + 1
        for here in np.split(order, cuts):
            if here.size:
                series = self._against.setdefault(int(asset[here[0]]), LossDifference())
                series.add(difference[here])


def duel(
    task: Task, chosen: PredictorConfig, baseline: PredictorConfig, *, held_out: int
) -> Sequence[DuelFold]:
    """Step both through all folds up to a held-out one, that one included."""
    source = task.ticks()
    configs = (chosen,) if chosen == baseline else (chosen, baseline)
    sides = [
        (
            Engine(config, task.dtype, source=source.name, deciding=EventTime(config)),
            Judge(task.objective, task.warm_up),
        )
        for config in configs
    ]
    folds = [DuelFold(number, number == held_out) for number in range(held_out + 1)]
    current = 0
    for fold, chunk in pieces(source, task.cuts[: held_out + 2]):
        for _, judge in sides if fold != current else ():
            judge.begin_fold()
        current = fold
        losses = [judge.add(engine.step(chunk)) for engine, judge in sides]
        folds[fold].add(losses[0], losses[-1], task.embargo)
    return folds
