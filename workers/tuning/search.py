"""A search from the first trial to the evidence."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from core import PredictorConfig
from workers.tuning.duel import duel
from workers.tuning.errors import NothingToJudgeError, TuningError
from workers.tuning.evaluate import FoldScore, Task, mean_skill
from workers.tuning.evidence import Evidence, RoundEvidence
from workers.tuning.folder import opened, save_result
from workers.tuning.folds import Folds, check_embargo, count_rows
from workers.tuning.lanes import Inline, Lanes, Processes
from workers.tuning.objective import Objective
from workers.tuning.space import SearchSpace
from workers.tuning.study import RoundStudy, TrialRecord, opened_storage
from workers.tuning.ticks import SearchTicks

__all__ = ["Progress", "SearchPlan", "run_search"]


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Attributes:
    ticks: what it is on.
    space: what is searched.
    out: the folder to be made.
    base: the baseline, and the settings that are not searched.
    trials: in each round.
    folds: of equally many rows.
    held_out: how many of the last ones judge; each is a round.
    objective: what is improved.
    embargo: an asset's first ticks of a held-out fold that are not judged.
    warm_up: an asset's first ticks that are not judged.
    seed: of the search.
    prune: give bad trials up between folds.
    dtype: of the state.
    """

    ticks: SearchTicks
    space: SearchSpace
    out: Path
    base: PredictorConfig = field(default_factory=PredictorConfig)
    trials: int = 100
    folds: int = 5
    held_out: int = 2
    objective: Objective = Objective.MSE
    embargo: int = 100
    warm_up: int = 500
    seed: int = 0
    prune: bool = True
    dtype: str = "float64"

    def __post_init__(self) -> None:
        if self.objective not in list(Objective):
            raise TuningError(
                f"objective is {self.objective!r}: write one of {', '.join(Objective)}"
            )
        object.__setattr__(self, "objective", Objective(self.objective))

    def identity(self) -> dict[str, Any]:
        """What a resumed search must have in common with the interrupted one."""
        kept = ("folds", "held_out", "embargo", "warm_up", "seed", "prune", "dtype")
        return {
            "source": self.ticks.describe(),
            "space": self.space.to_dict(),
            "baseline": self.base.to_dict(),
            "objective": self.objective.value,
            **{name: getattr(self, name) for name in kept},
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Attributes:
    round: under way, from 0.
    rounds: how many.
    trials: finished in it.
    share: of all folds of all trials, 0 to 1.
    best: mean skill so far in the round; NaN without.
    """

    round: int
    rounds: int
    trials: int
    share: float
    best: float


def _nothing() -> None:
    """The default preparation: spawned processes get functions by name, so no lambda will do."""


def run_search(
    plan: SearchPlan,
    *,
    resume: bool = False,
    processes: int = 1,
    progress: Callable[[Progress], None] = lambda _progress: None,
    prepare: Callable[[], None] = _nothing,
    warn: Callable[[str], None] = lambda _text: None,
) -> Evidence:
    """Search, judge, and write the result into the folder. Blocks until it is done.

    Args:
        plan: what to do.
        resume: go on with a search of the same plan; it may have more trials than before.
        processes: how many evaluate trials at once; 1: this one.
        progress: told after each fold of a trial.
        prepare: called first in each of the processes; a function of a module.
        warn: told what a person should know about the ticks, before the first trial.

    Raises:
        TuningError: the plan or the folder cannot be used.
        SearchHaltedError: a process died, or the folder is in use; going on is possible.
        BadTicksError: the ticks cannot be used.
        NoRoomError: the disk is full.
    """
    if plan.trials < 1 or processes < 1:
        raise TuningError("at least one trial and one process are needed")
    with opened(plan.out, plan.identity(), resume=resume) as folder:
        plan.ticks.fetch(keep=folder.begun)
        source = plan.ticks.open()
        rows = count_rows(source)
        for text in source.warnings:
            warn(text)
        folds = Folds.of(rows, folds=plan.folds, held_out=plan.held_out)
        check_embargo(plan.ticks.open(), folds, plan.embargo)
        task = Task(
            plan.ticks.open, folds.cuts, plan.dtype, plan.objective, plan.warm_up, plan.embargo
        )
        folder.begin()
        with (
            opened_storage(folder.study) as storage,
            closing(_lanes(task, processes, prepare)) as lanes,
        ):
            try:
                rounds = _Search(plan, folds, lanes, progress).rounds(storage, task)
            except NothingToJudgeError:
                folder.abandon()
                raise
        evidence = Evidence(folder.identity, plan.base, rounds)
        save_result(plan.out, evidence)
    return evidence


def _lanes(task: Task, processes: int, prepare: Callable[[], None]) -> Lanes:
    return Inline(task) if processes == 1 else Processes(task, processes, prepare)


@dataclass(slots=True)
class _Search:
    """Hands trials to lanes, and takes their folds back."""

    plan: SearchPlan
    folds: Folds
    lanes: Lanes
    progress: Callable[[Progress], None]

    def rounds(self, storage: optuna.storages.RDBStorage, task: Task) -> tuple[RoundEvidence, ...]:
        """One after the other: each begins with the baseline, and with what the last one chose."""
        plan, done = self.plan, list[RoundEvidence]()
        for number, held_out in enumerate(self.folds.rounds):
            first = [_params(plan, plan.base)] if _inside(plan) else []
            first += [done[-1].params] if done else []
            study = RoundStudy(
                storage,
                number,
                space=plan.space,
                base=plan.base,
                seed=plan.seed,
                prune=plan.prune,
                first=first,
            )
            best = self.round(number, study, held_out)
            chosen = study.config(best.params)
            done.append(
                RoundEvidence.of(
                    number,
                    trials=study.trials(),
                    best=best,
                    config=chosen,
                    folds=duel(task, chosen, plan.base, held_out=held_out),
                    objective=plan.objective,
                )
            )
        return tuple(done)

    def round(self, number: int, study: RoundStudy, folds: int) -> TrialRecord:
        """All trials of a round, each on the folds before the held-out one; returns the best."""
        idle = list(range(self.lanes.count))
        busy: dict[int, tuple[int, list[FoldScore]]] = {}
        while True:
            while idle and study.asked < self.plan.trials:
                trial, config = study.ask()
                if (known := study.known(trial)) is not None:
                    study.finish(trial, known, pruned=False)
                    continue
                lane = idle.pop()
                busy[lane] = trial, []
                self.lanes.begin(lane, config, folds)
            if not busy:
                break
            lane, score = self.lanes.next()
            trial, scores = busy[lane]
            if score is None:
                study.finish(trial, _checked(scores), pruned=False)
            else:
                scores.append(score)
                further = study.report(trial, score.fold, _checked(scores))
                self.lanes.go_on(lane, further=further)
                if not further:
                    study.finish(trial, np.nan, pruned=True)
                    score = None
            if score is None:
                del busy[lane]
                idle.append(lane)
            self._tell(number, study, busy, folds)
        complete = [trial for trial in study.trials() if not trial.pruned]
        return max(complete, key=lambda trial: (trial.value, -trial.number))

    def _tell(
        self,
        number: int,
        study: RoundStudy,
        busy: dict[int, tuple[int, list[FoldScore]]],
        folds: int,
    ) -> None:
        done = study.trials()
        reached = len(done) + sum(len(scores) / folds for _, scores in busy.values())
        rounds = len(self.folds.rounds)
        best = max((one.value for one in done if not one.pruned), default=np.nan)
        share = (number + min(reached / self.plan.trials, 1.0)) / rounds
        self.progress(Progress(number, rounds, len(done), share, best))


def _checked(scores: list[FoldScore]) -> float:
    value = mean_skill(scores)
    if not np.isfinite(value):
        fold, judged = scores[-1].fold, scores[-1].judged
        if judged:
            raise NothingToJudgeError(
                f"fold {fold}: the price moved after none of the {judged:,} forecasts, there was "
                "nothing to forecast: use fewer folds, or other ticks"
            )
        raise NothingToJudgeError(
            f"fold {fold} has no forecasts to judge: use fewer folds, more ticks or a smaller "
            "warm-up"
        )
    return value


def _params(plan: SearchPlan, config: PredictorConfig) -> dict[str, Any]:
    return {one.name: asdict(config)[one.name] for one in plan.space.dimensions}


def _inside(plan: SearchPlan) -> bool:
    """Whether the baseline can be a trial."""
    values = _params(plan, plan.base)
    return all(one.holds(values[one.name]) for one in plan.space.dimensions)
