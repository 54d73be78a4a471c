"""One configuration over the folds of a history, in one pass, its state warmed on the past only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core import PredictorConfig
from workers.replay import EventTime, TickSource
from workers.replay.engine import Engine
from workers.tuning.asset_sums import AssetSums
from workers.tuning.folds import pieces
from workers.tuning.judge import Judge
from workers.tuning.objective import Objective

__all__ = ["FoldScore", "Task", "fold_scores", "mean_skill"]


@dataclass(frozen=True, slots=True)
class Task:
    """What every evaluation has in common; can be sent to another process.

    Attributes:
        ticks: opens the ticks anew.
        cuts: of the folds.
        dtype: of the state.
        objective: the loss.
        warm_up: an asset's first ticks that are not judged.
        embargo: an asset's first ticks of a held-out fold that are not judged.
    """

    ticks: Callable[[], TickSource]
    cuts: tuple[int, ...]
    dtype: str
    objective: Objective
    warm_up: int
    embargo: int


@dataclass(frozen=True, slots=True)
class FoldScore:
    """What one fold came to.

    Attributes:
        fold: its number.
        judged: forecasts.
        skill: of the model against persistence; NaN where the price never moved.
    """

    fold: int
    judged: int
    skill: float


def fold_scores(task: Task, config: PredictorConfig, folds: int) -> Iterator[FoldScore]:
    """The scores of the first folds, each as soon as it is known.

    Args:
        task: the ticks, and how they are judged.
        config: what is evaluated.
        folds: how many of them; ticks behind them are not read.
    """
    source = task.ticks()
    engine = Engine(config, task.dtype, source=source.name, deciding=EventTime(config))
    judge = Judge(task.objective, task.warm_up)
    sums, current = AssetSums(2), 0
    for fold, chunk in pieces(source, task.cuts[: folds + 1]):
        for done in range(current, fold):
            yield _score(task, done, sums)
            sums = AssetSums(2)
        if fold != current:
            judge.begin_fold()
            current = fold
        found = judge.add(engine.step(chunk))
        known = np.isfinite(found.losses).all(axis=0)
        sums.add(found.asset[known], found.losses[:, known])
    for done in range(current, folds):
        yield _score(task, done, sums)
        sums = AssetSums(2)


def _score(task: Task, fold: int, sums: AssetSums) -> FoldScore:
    model, persistence = sums.losses
    skill = task.objective.skill(sums.judged, model, persistence)
    return FoldScore(fold, int(sums.judged.sum()), skill)


def mean_skill(scores: Sequence[FoldScore]) -> float:
    """What a trial is chosen by: each fold counts the same, however restless it was."""
    skills = [score.skill for score in scores if np.isfinite(score.skill)]
    return float(np.mean(skills)) if skills else np.nan
