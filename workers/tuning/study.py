"""One round's trials: asked of Optuna, kept in SQLite, the same again after a kill.

Invariant: what the n-th trial tries depends on the seed, on n and on the trials that are finished,
not on how often the search was interrupted: one that was under way is asked for again.
"""

import errno
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from core import PredictorConfig
from workers.tuning.errors import SearchHaltedError, TuningError
from workers.tuning.space import Dimension, SearchSpace

__all__ = ["RoundStudy", "TrialRecord", "opened_storage"]

_BUSY_TIMEOUT_S = 60
_PRIMARY_CODE = 0xFF
_STARTUP_TRIALS = 5
_COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """Attributes:
    number: of the trial, from 0.
    params: what it tried.
    value: mean skill over the folds it came to.
    pruned: given up before the last fold.
    """

    number: int
    params: dict[str, Any]
    value: float
    pruned: bool


@contextmanager
def opened_storage(path: Path) -> Iterator[optuna.storages.RDBStorage]:
    """The file with all rounds' trials; made if it is not there.

    Raises:
        OSError: the disk is full.
        TuningError: the file is damaged.
        SearchHaltedError: another program holds it.
    """
    # What is said of trials is said by the progress bar and the report.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{path.absolute()}",
            engine_kwargs={"connect_args": {"timeout": _BUSY_TIMEOUT_S}},
        )
        try:
            yield storage
        finally:
            storage.engine.dispose()
    except Exception as error:
        # Optuna guesses at the cause. It is what SQLite said, at the end of the chain.
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, sqlite3.Error):
            raise _told(path, cause) from error
        raise


class RoundStudy:
    """Trials of one round.

    Args:
        storage: of all rounds.
        number: of the round.
        space: what is searched.
        base: the settings that are not.
        seed: of the search.
        prune: give a trial up that is below the median of the others after as many folds.
        first: parameters to try before any others, in this order. One that no trial has tried, as
            the round before chooses anew where it has more trials now, is tried next.
    """

    def __init__(
        self,
        storage: optuna.storages.RDBStorage,
        number: int,
        *,
        space: SearchSpace,
        base: PredictorConfig,
        seed: int,
        prune: bool,
        first: list[dict[str, Any]],
    ) -> None:
        self._space, self._base = space, base
        self._seed = f"{seed}/{number}"
        self._first = first
        self._study = optuna.create_study(
            storage=storage,
            study_name=f"round-{number}",
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS)
            if prune
            else optuna.pruners.NopPruner(),
        )
        self._fail_unfinished()
        self._open: dict[int, Trial] = {}

    @property
    def asked(self) -> int:
        """Trials that are finished or under way."""
        return len(self._study.get_trials(deepcopy=False, states=_COUNTED))

    def ask(self) -> tuple[int, PredictorConfig]:
        """Begin another trial: its number and what it tries."""
        index = self.asked
        digest = hashlib.sha256(f"{self._seed}/{index}".encode()).digest()
        self._study.sampler = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "big"))
        if (params := self._untried()) is not None:
            self._study.enqueue_trial(params)
        trial = self._study.ask()
        self._open[trial.number] = trial
        params = {one.name: _suggest(trial, one) for one in self._space.dimensions}
        return trial.number, self.config(params)

    def _fail_unfinished(self) -> None:
        """What was under way when the search was interrupted."""
        for _ in self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._study.ask()  # it was to begin, and only what has begun can fail
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)

    def _untried(self) -> dict[str, Any] | None:
        """Of those to try first the next one."""
        tried = [one.params for one in self._study.get_trials(deepcopy=False, states=_COUNTED)]
        return next((params for params in self._first if params not in tried), None)

    def known(self, number: int) -> float | None:
        """What a finished trial of the same parameters was worth: this one would be the same."""
        params = self._open[number].params
        states = (TrialState.COMPLETE,)
        for trial in self._study.get_trials(deepcopy=False, states=states):
            if trial.params == params:
                return trial.value
        return None

    def report(self, number: int, fold: int, value: float) -> bool:
        """A trial's mean skill up to a fold; returns whether it is to go on."""
        trial = self._open[number]
        trial.report(value, fold)
        return not trial.should_prune()

    def finish(self, number: int, value: float, *, pruned: bool) -> None:
        """A trial is over."""
        del self._open[number]
        if pruned:
            self._study.tell(number, state=TrialState.PRUNED)
        else:
            self._study.tell(number, value)

    def trials(self) -> list[TrialRecord]:
        """All that are finished."""
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        return [_record(trial) for trial in self._study.get_trials(deepcopy=False, states=states)]

    def config(self, params: Mapping[str, Any]) -> PredictorConfig:
        """The configuration that some parameters make."""
        return PredictorConfig(**self._base.to_dict() | dict(params))


def _told(path: Path, error: sqlite3.Error) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SearchHaltedError(
            f"{path} is held by another program ({error}): go on with --resume when it is not"
        )
    return TuningError(
        f"{path} cannot be used ({error}): if it is damaged, remove {path.parent} and search anew"
    )


def _record(trial: FrozenTrial) -> TrialRecord:
    pruned = trial.state is TrialState.PRUNED
    reached = trial.intermediate_values
    value = reached[max(reached)] if pruned else trial.value
    assert value is not None
    return TrialRecord(trial.number, dict(trial.params), value, pruned)


def _suggest(trial: Trial, one: Dimension) -> Any:
    if one.kind == "categorical":
        return trial.suggest_categorical(one.name, one.choices)
    if one.kind == "int":
        return trial.suggest_int(
            one.name, int(one.low), int(one.high), step=int(one.step or 1), log=one.log
        )
    return trial.suggest_float(one.name, one.low, one.high, step=one.step, log=one.log)
