"""A search sees the past only, goes on after a kill as if nothing had been, and judges itself."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from core import PredictorConfig
from tests.workers.replay.tables import random_table, write_ticks
from workers.replay import BadTicksError, FileSource, Layout, TicksWarning
from workers.scoring import LossDifference
from workers.tuning import (
    Evidence,
    Progress,
    SearchHaltedError,
    SearchPlan,
    SearchSpace,
    TuningError,
    Verdict,
    open_ticks,
    tune,
)
from workers.tuning.evaluate import Task, fold_scores
from workers.tuning.lanes import Processes
from workers.tuning.objective import Objective

_COUNT, _FOLDS = 1_200, 3
_SPACE = {"wtmm_buffer_size": {"type": "categorical", "choices": [64, 128]}}
_PLAN: dict[str, Any] = {
    "space": _SPACE,
    "trials": 3,
    "folds": _FOLDS,
    "held_out": 1,
    "embargo": 20,
    "warm_up": 50,
}


@pytest.fixture(scope="module")
def ticks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two assets."""
    path = tmp_path_factory.mktemp("ticks") / "ticks.parquet"
    return write_ticks(path, random_table(_COUNT, 2, seed=72))


@pytest.fixture(scope="module")
def whole(ticks: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evidence]:
    """A search that nothing disturbed."""
    out = tmp_path_factory.mktemp("searches") / "whole"
    return out, tune(ticks, out=out, **_PLAN)


def test_the_result_is_its_best_trial_with_the_scores_of_its_folds(
    ticks: Path, whole: tuple[Path, Evidence]
) -> None:
    out, found = whole
    (one,) = found.rounds
    assert len(one.trials) == 3
    assert one.trials[0].params == {"wtmm_buffer_size": 128}, "the baseline is tried first"
    best = max(trial.value for trial in one.trials)
    assert [fold.held_out for fold in one.folds] == [False, False, True]
    assert np.mean([fold.chosen for fold in one.folds[:2]]) == pytest.approx(best)
    assert np.mean([fold.baseline for fold in one.folds[:2]]) == pytest.approx(one.trials[0].value)
    # 20 ticks of each asset, and the forecasts from before the cut that its first ticks judge.
    source = partial(FileSource, ticks, Layout())
    task = Task(source, (0, 400, 800, 1200), "float64", Objective.MSE, 50, 0)
    (*_, last) = fold_scores(task, found.config, 3)
    assert last.judged - one.folds[2].judged == 2 * 21
    saved = json.loads((out / "evidence.json").read_text("utf-8"))
    assert saved == found.to_dict()
    assert saved["config"]["wtmm_buffer_size"] == one.params["wtmm_buffer_size"]
    assert found.candidates == len({trial.params["wtmm_buffer_size"] for trial in one.trials})


def test_what_comes_after_the_cut_changes_no_choice(
    ticks: Path, whole: tuple[Path, Evidence], tmp_path: Path
) -> None:
    table = FileSource(ticks, Layout())
    (chunk,) = table.chunks({})
    price = chunk.price.copy()
    price[800:] = price[799] * np.exp(np.random.default_rng(7).normal(0.0, 1e-3, 400).cumsum())
    other = pa.table(
        {
            "asset_id": [key.decode() for key in chunk.keys if key],
            "price": price,
            "timestamp_ns": chunk.timestamp_ns,
        }
    )
    found = tune(other, out=tmp_path / "other", **_PLAN)
    (before,), (after,) = whole[1].rounds, found.rounds
    assert after.trials == before.trials
    assert after.config == before.config
    assert after.folds[:2] == before.folds[:2]
    assert after.folds[2] != before.folds[2]


_KILLED = """
import os, signal, sys
from ops.compile_cache import keep_executables
from tests.workers.tuning.test_search import _PLAN, tune
keep_executables()
def die(progress):
    if progress.share > 0.4:
        os.kill(os.getpid(), signal.SIGKILL)
tune(sys.argv[1], out=sys.argv[2], progress=die, **_PLAN)
"""


def test_kill_9_and_resume_give_the_same_trials(
    ticks: Path, whole: tuple[Path, Evidence], tmp_path: Path
) -> None:
    out = tmp_path / "search"
    killed = subprocess.run([sys.executable, "-c", _KILLED, ticks, out], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (out / "tuned.toml").exists()
    with pytest.raises(TuningError, match="go on with --resume"):
        tune(ticks, out=out, **_PLAN)
    with pytest.raises(TuningError, match="holds a search with another embargo"):
        tune(ticks, out=out, resume=True, **_PLAN | {"embargo": 21})
    seen: list[Progress] = []
    found = tune(ticks, out=out, resume=True, progress=seen.append, **_PLAN)
    assert seen[0].trials >= 1, "it began anew"
    (before,), (after,) = whole[1].rounds, found.rounds
    assert [(t.params, t.value) for t in after.trials] == [
        (t.params, t.value) for t in before.trials
    ]
    assert after.folds == before.folds


def test_a_table_in_memory_is_told_by_its_content(tmp_path: Path) -> None:
    table, other = (random_table(_COUNT, 2, seed=seed) for seed in (72, 73))
    plan = _PLAN | {"out": tmp_path / "search", "trials": 1}
    tune(table, **plan)
    with pytest.raises(TuningError, match="holds a search with another source"):
        tune(other, resume=True, **plan)
    assert tune(table.slice(0), resume=True, **plan).candidates == 1


def test_a_search_is_on_the_file_of_its_begin(tmp_path: Path) -> None:
    path = write_ticks(tmp_path / "ticks.parquet", random_table(200, 2, seed=73))
    found = open_ticks(path, Layout())
    description = found.describe()
    assert sum(map(len, found.open().chunks({}))) == 200
    write_ticks(path, random_table(300, 2, seed=74))
    with pytest.raises(BadTicksError, match=r"ticks\.parquet was changed while it was read"):
        list(found.open().chunks({}))
    assert found.describe() == description


def test_a_category_of_another_name_is_another_table() -> None:
    table = random_table(100, 2, seed=72)
    codes = np.array([name == "asset-00001" for name in table["asset_id"].to_pylist()], np.int8)

    def identity(names: list[str]) -> object:
        assets = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names))
        return open_ticks(table.set_column(0, "asset_id", assets), Layout()).describe()

    assert identity(["A", "B"]) == identity(["A", "B"])
    assert identity(["A", "B"]) != identity(["A", "C"])


def test_another_process_finds_the_same_scores_and_its_death_is_said(ticks: Path) -> None:
    source = partial(FileSource, ticks, Layout())
    task = Task(source, (0, 300, 600), "float64", Objective.CRPS, 50, 0)
    expected = list(fold_scores(task, PredictorConfig(), 2))
    lanes = Processes(task, 1, _prepared)
    try:
        lanes.begin(0, PredictorConfig(), 2)
        assert lanes.next() == (0, expected[0])
        lanes.go_on(0, further=False)
        lanes.begin(0, PredictorConfig(), 2)
        scores = []
        while (score := lanes.next()[1]) is not None:
            scores.append(score)
            lanes.go_on(0, further=True)
        assert scores == expected
        lanes.begin(0, PredictorConfig(), 2)
        (process,) = multiprocessing.active_children()
        os.kill(process.pid or 0, signal.SIGKILL)
        with pytest.raises(SearchHaltedError, match=r"died \(exit code -9\).*--resume and fewer"):
            while lanes.next():
                lanes.go_on(0, further=True)
    finally:
        lanes.close()


def _prepared() -> None:
    from ops.compile_cache import keep_executables  # noqa: PLC0415  (in the other process)

    keep_executables()


def test_an_objective_may_be_a_text(ticks: Path, tmp_path: Path) -> None:
    space = SearchSpace.parse(_SPACE, PredictorConfig())
    named: dict[str, Any] = {"objective": "mae"}
    plan = SearchPlan(open_ticks(ticks, Layout()), space, tmp_path / "a", **named)
    assert plan.objective is Objective.MAE


def test_what_is_odd_about_the_ticks_is_said_before_anything_can_fail(tmp_path: Path) -> None:
    table = random_table(200, 2, seed=74)
    table = table.set_column(1, "price", [pa.array(np.full(200, -7.0))])
    with (
        pytest.warns(TicksWarning, match="rows that are no ticks: 200, the first is row") as told,
        pytest.raises(TuningError, match="fold 2 judges nothing"),
    ):
        tune(table, out=tmp_path / "a", **_PLAN)
    assert [one.filename for one in told] == [__file__]


def test_nothing_to_judge_is_said(ticks: Path, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="fold 0 has no forecasts to judge: use fewer folds"):
        tune(ticks, out=tmp_path / "a", **_PLAN | {"warm_up": 5_000})
    still = random_table(_COUNT, 2, seed=5)
    still = still.set_column(1, "price", [pa.array(np.full(_COUNT, 7.0))])
    with pytest.raises(TuningError, match="fold 0: the price moved after none of the 298 fore"):
        tune(still, out=tmp_path / "a", **_PLAN)
    with pytest.raises(TuningError, match=r"fold 2 judges nothing: .* takes the first 250\. Use"):
        tune(ticks, out=tmp_path / "a", **_PLAN | {"embargo": 250})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TuningError, match="objective is 'rmse': write one of mse, mae, log, crps"):
        tune(ticks, out=tmp_path / "a", **_PLAN | {"objective": "rmse"})
    with pytest.raises(TuningError, match="int holds no ticks"):
        tune(3, out=tmp_path / "b", **_PLAN)
    with pytest.raises(TuningError, match=r"LazyFrame holds no ticks: .*collect\(\)"):
        tune(pl.LazyFrame(), out=tmp_path / "b", **_PLAN)
    with pytest.raises(TuningError, match="Series holds no ticks"):
        tune(pl.Series([1.0]), out=tmp_path / "b", **_PLAN)
    with pytest.raises(TuningError, match="is there already: choose another --out"):
        tune(ticks, out=ticks.parent, **_PLAN)


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(-0.5, Verdict.BETTER), (0.0, Verdict.UNCERTAIN), (0.5, Verdict.WORSE)],
)
def test_the_verdict_is_the_held_out_folds(
    whole: tuple[Path, Evidence], shift: float, verdict: Verdict
) -> None:
    noise = np.random.default_rng(8).normal(size=400)
    series = LossDifference()
    series.add(noise - noise.mean() + shift)
    _, found = whole
    chosen = replace(
        found.rounds[0], config=PredictorConfig(cusum_h=6.0), held_out_series=(series,)
    )
    assert replace(found, rounds=(chosen,)).verdict is verdict
    same = replace(chosen, config=found.baseline)
    assert replace(found, rounds=(same,)).verdict is Verdict.SAME
