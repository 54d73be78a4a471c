"""A run's folder: complete or not there; a killed run goes on to the same bytes."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from core import PredictorConfig
from core.errors import RetryableError
from snapshots import SnapshotMismatchError
from tests.kafka.feed import random_ticks
from tests.workers.replay.tables import COUNT, as_table, bits, plan, table, write_ticks
from workers.replay import (
    DifferentRunError,
    ReplayError,
    backtest,
    begin_at_end_of,
    read_run,
    run_backtest,
    run_in_processes,
)
from workers.replay.engine import Stepped

_CONFIG = PredictorConfig()


def test_a_run_holds_every_result_and_says_what_it_is(ticks: Path, whole: Path) -> None:
    run = read_run(whole)
    assert bits(table(whole)) == bits(backtest(parquet.read_table(ticks)))
    assert run["counts"]["results"] == run["counts"]["records"] == COUNT
    assert run["counts"]["assets"] == 128
    assert run["counts"]["flags"] == table(whole, "flags").num_rows > 0
    assert run["fingerprint"] == _CONFIG.fingerprint()
    assert run["source"]["path"] == str(ticks)
    assert not whole.with_name("whole.partial").exists()


_ALARMED = PredictorConfig(cusum_h=0.5, cusum_k=0.1)

_KILLED = """
import os, signal, sys
from pathlib import Path
from ops.compile_cache import keep_executables
from tests.workers.replay.test_run import plan, run_backtest
keep_executables()
def die(results, _share):
    if results > 60_000:
        os.kill(os.getpid(), signal.SIGKILL)
run_backtest(plan(Path(sys.argv[1]), Path(sys.argv[2]), checkpoint_ticks=60_000), progress=die)
"""


def test_kill_9_and_resume_give_the_same_files(
    ticks: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    killed = subprocess.run([sys.executable, "-c", _KILLED, ticks, out], check=False)
    assert killed.returncode == -9
    assert not out.exists()
    again = plan(ticks, out, checkpoint_ticks=60_000)
    with pytest.raises(ReplayError, match="go on with --resume"):
        run_backtest(again)
    with pytest.raises(DifferentRunError, match=r"other settings \(config\.cusum_h\): go on"):
        run_backtest(plan(ticks, out, PredictorConfig(cusum_h=8.0)), resume=True)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
        with pytest.raises(DifferentRunError, match=r"other settings \(runtime\.xla_flags\)"):
            run_backtest(again, resume=True)
    seen = []
    run = run_backtest(again, resume=True, progress=lambda results, _: seen.append(results))
    assert seen[0] > 65_536, "it began anew"
    assert run["counts"] == read_run(whole)["counts"]
    for name in ("results", "flags"):
        assert bits(table(out, name)) == bits(table(whole, name))


def test_nothing_is_left_to_do_of_a_whole_run(ticks: Path, whole: Path) -> None:
    before = bits(table(whole, "results"))
    assert run_backtest(plan(ticks, whole), resume=True) == read_run(whole)
    assert run_in_processes(plan(ticks, whole), 2, resume=True) == read_run(whole)
    with pytest.raises(DifferentRunError, match=r"whole run of other settings \(config\.cusum_h\)"):
        run_backtest(plan(ticks, whole, PredictorConfig(cusum_h=8.0)), resume=True)
    with pytest.raises(ReplayError, match="is there already: choose another --out"):
        run_backtest(plan(ticks, whole))
    assert bits(table(whole, "results")) == before


class _Counting:
    """A watch, and its witness, that counts results and breaks off the first run."""

    def __init__(self, most: int) -> None:
        self._most, self._seen = most, 0

    def describe(self) -> dict[str, Any]:
        return {"results": "predictions"}

    @contextmanager
    def open(self) -> Iterator[Self]:
        self._seen = 0
        yield self

    def see(self, stepped: Stepped) -> None:
        self._seen += stepped.price.size
        if self._seen > self._most:
            raise RetryableError("broken off")

    def summary(self) -> dict[str, Any]:
        return {"seen": self._seen}

    def only(self, _partitions: object) -> Self:
        return self

    def total(self, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"seen": sum(one["seen"] for one in summaries)}


def test_a_comparison_that_is_resumed_sees_every_result(
    ticks: Path, whole: Path, tmp_path: Path
) -> None:
    watched = plan(ticks, tmp_path / "run", checkpoint_ticks=60_000, watch=_Counting(66_000))
    with pytest.raises(RetryableError, match="broken off"):
        run_backtest(watched)
    with pytest.raises(ReplayError, match="go on with --resume"):
        run_backtest(watched)
    with pytest.raises(DifferentRunError, match=r"other settings \(verify\): go on with those"):
        run_backtest(replace(watched, watch=None), resume=True)
    run = run_backtest(replace(watched, watch=_Counting(COUNT)), resume=True)
    assert run["verification"] == {"seen": COUNT}
    assert run["counts"] == read_run(whole)["counts"]
    for name in ("results", "flags"):
        assert bits(table(tmp_path / "run", name)) == bits(table(whole, name))


def test_a_folder_that_is_there_is_not_touched(ticks: Path, whole: Path) -> None:
    before = (whole / "run.json").stat()
    with pytest.raises(ReplayError, match="is there already"):
        run_backtest(plan(ticks, whole))
    assert (whole / "run.json").stat() == before
    with pytest.raises(ReplayError, match="holds no finished run"):
        read_run(ticks.parent)


def test_a_branch_goes_on_as_the_whole_run_does(ticks: Path, whole: Path, tmp_path: Path) -> None:
    cut = 40_000
    both = parquet.read_table(ticks)
    halves = [
        write_ticks(tmp_path / f"half-{i}.parquet", half)
        for i, half in enumerate((both.slice(0, cut), both.slice(cut)))
    ]
    run_backtest(plan(halves[0], tmp_path / "first"))
    begin = begin_at_end_of(tmp_path / "first", _CONFIG, "float64").for_a_file()
    run_backtest(begin.of(plan(halves[1], tmp_path / "second")))
    second, rest = table(tmp_path / "second"), table(whole).slice(cut)
    for name in ("source_offset", "source_partition"):
        second, rest = second.drop_columns(name), rest.drop_columns(name)
    assert bits(second) == bits(rest)

    other = _ALARMED
    begin = begin_at_end_of(tmp_path / "first", other, "float64").for_a_file()
    run_backtest(begin.of(plan(halves[1], tmp_path / "branch", other)))
    branch = table(tmp_path / "branch")
    assert branch["sequence"].equals(second["sequence"]), "the state went on"
    alarms = [t["regime_change_detected"].to_numpy().sum() for t in (branch, second)]
    assert alarms[0] > 2 * alarms[1]
    assert read_run(tmp_path / "branch")["begin"].startswith("the end of first (")
    with pytest.raises(SnapshotMismatchError, match="was written with another"):
        begin_at_end_of(tmp_path / "first", PredictorConfig(wtmm_buffer_size=64), "float64")


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 599), st.floats(0.5, 2.0))
def test_no_tick_changes_a_row_before_it(
    tmp_path_factory: pytest.TempPathFactory, at: int, factor: float
) -> None:
    folder, past = tmp_path_factory.mktemp("past"), random_ticks(600, 2, seed=22)
    for name in ("before", "after"):
        (folder / name).mkdir()
        path = write_ticks(folder / name / "ticks.parquet", as_table(past))
        run_backtest(plan(path, folder / name / "run", _ALARMED, checkpoint_ticks=100))
        past.price[at:] *= factor
    runs = [folder / name / "run" for name in ("before", "after")]
    results = [table(run) for run in runs]
    assert bits(results[0].slice(0, at)) == bits(results[1].slice(0, at))
    flags = [table(run, "flags") for run in runs]
    earlier = [one.filter(pc.field("timestamp_ns") < past.timestamp_ns[at]) for one in flags]
    assert flags[0].num_rows > 0
    assert earlier[0].equals(earlier[1])
