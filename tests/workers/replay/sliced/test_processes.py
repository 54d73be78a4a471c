"""Several processes give what one gives, byte for byte, whoever is killed on the way."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.replay.tables import (
    CONFIG,
    COUNT,
    bits,
    plan,
    random_table,
    table,
    write_ticks,
)
from workers.replay import (
    DifferentRunError,
    Layout,
    NoRoomError,
    ProcessDiedError,
    ReplayError,
    RunPlan,
    begin_at_end_of,
    read_run,
    run_backtest,
    run_in_processes,
)
from workers.replay.files.table_source import BatchSource
from workers.replay.output.parts import ArrowParts
from workers.replay.output.run_tables import PLACE
from workers.replay.output.tables import RESULTS_SCHEMA
from workers.replay.sliced.processes import SliceProcesses
from workers.replay.sliced.slice_tables import PlaceRange
from workers.replay.sliced.slices import slice_of, slice_plans
from workers.replay.sliced.whole_tables import WholeTables

_KILLED = """
import os, signal, sys
from pathlib import Path
from ops.compile_cache import keep_executables
from tests.workers.replay.sliced.test_processes import run_in_processes, small
if __name__ == "__main__":
    keep_executables()
    die = lambda results, _share: results and os.kill(os.getpid(), signal.SIGKILL)
    run_in_processes(small(Path(sys.argv[1]), Path(sys.argv[2])), 2, progress=die)
"""

_IMPORTED = """
import threading
import workers.replay.sliced.processes, workers.tuning.lanes
from jax._src.xla_bridge import backends_are_initialized
print(backends_are_initialized(), threading.active_count())
"""


def small(ticks: Path, out: Path) -> RunPlan:
    """A run that makes a checkpoint at every batch of the file."""
    return plan(ticks, out, checkpoint_ticks=20_000)


@pytest.mark.timeout(600)
def test_two_processes_give_what_one_gives_though_all_are_killed(
    ticks: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    killed = subprocess.run([sys.executable, "-c", _KILLED, ticks, out], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    with pytest.raises(DifferentRunError, match=r"\(processes, version_of_files\): go on"):
        run_backtest(small(ticks, out), resume=True)
    seen: list[tuple[int, float]] = []
    run = run_in_processes(
        small(ticks, out), 2, resume=True, progress=lambda *done: seen.append(done)
    )
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    assert seen[-1] == (COUNT, 1.0)
    assert run["processes"] == 2
    assert run["counts"] == read_run(whole)["counts"]
    for name in ("results", "flags"):
        assert bits(table(out, name)) == bits(table(whole, name))
    assert _names(out) == _names(whole)
    first, second = (begin_at_end_of(path, CONFIG, "float64").images[0] for path in (whole, out))
    where = [second.asset_ids.index(asset) for asset in first.asset_ids]
    assert second.rows[where].tobytes() == first.rows.tobytes()
    assert second.offset == first.offset == COUNT


@pytest.mark.parametrize("processes", [1, 2])
def test_a_table_without_rows_can_be_read(tmp_path: Path, processes: int) -> None:
    rows = {"asset_id": ["A", "B"], "price": [-1.0, -2.0], "timestamp_ns": [1, 2]}
    refused = plan(write_ticks(tmp_path / "ticks.parquet", pa.table(rows)), tmp_path / "run")
    if processes == 1:
        run_backtest(refused)
    else:
        run_in_processes(refused, processes)
    found = {name: table(tmp_path / "run", name) for name in ("results", "flags", "refused")}
    assert [one.num_rows for one in found.values()] == [0, 0, 2]
    assert found["results"].schema == RESULTS_SCHEMA


def _names(run: Path) -> list[str]:
    return sorted(path.name for path in run.iterdir())


def test_a_process_that_is_killed_ends_the_others(ticks: Path, tmp_path: Path) -> None:
    plans = [plan(ticks, tmp_path / name) for name in ("a", "b")]
    with (
        pytest.raises(ProcessDiedError, match=r"process \d of 2 was killed by signal 9 .*--resume"),
        SliceProcesses(plans) as working,
    ):
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
        working.step(lambda _results, _shares: None)
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_when_it_has_nothing_left_to_do_ends_the_others(
    ticks: Path, whole: Path, tmp_path: Path
) -> None:
    plans = [plan(ticks, whole), small(ticks, tmp_path / "b")]
    with SliceProcesses(plans) as working:
        idle = working._children.processes[0]

        def kill(results: list[int], _shares: list[float]) -> None:
            if all(results):  # the first said so, and that it is done, before the other began
                idle.kill()
                idle.join()  # its end is heard with whatever the other says next

        with pytest.raises(ProcessDiedError, match="process 1 of 2 was killed by signal 9"):
            working.step(kill)
    assert not (tmp_path / "b").exists()


def test_nobody_takes_the_task_of_a_process_that_was_killed_before(
    ticks: Path, whole: Path, tmp_path: Path
) -> None:
    with SliceProcesses([plan(ticks, whole)] * 2) as working:
        working.step(lambda _results, _shares: None)
        for process in working._children.processes:
            process.kill()
            process.join()
        with pytest.raises(ProcessDiedError, match="process 1 of 2 was killed by signal 9"):
            working.merge([whole], [(tmp_path / "0", PlaceRange())])


def test_a_disk_that_takes_no_more_while_slices_are_merged_is_told(
    ticks: Path, whole: Path, tmp_path: Path
) -> None:
    columns = {PLACE: [1], "source_partition": [0], "source_offset": [0]}
    slice_ = ArrowParts(tmp_path / "slice" / "results", pa.table(columns).schema)
    slice_.write(pa.table(columns))
    slice_.close_part()
    with SliceProcesses([plan(ticks, whole)]) as working:
        working.step(lambda _results, _shares: None)
        resource.prlimit(working._children.processes[0].pid or 0, resource.RLIMIT_FSIZE, (1, -1))
        with pytest.raises(NoRoomError, match=r"ulimit -f\): raise .* go on with --resume$"):
            working.merge([tmp_path / "slice"], [(tmp_path / "0", PlaceRange())])


def test_a_slice_without_ticks_has_them_all_done(tmp_path: Path) -> None:
    ticks = write_ticks(tmp_path / "ticks.parquet", random_table(500, 1, seed=3))
    made = slice_plans(plan(ticks, tmp_path), 2)
    plans = [replace(one, out=tmp_path / str(number)) for number, one in enumerate(made)]
    heard: list[tuple[list[int], list[float]]] = []
    with SliceProcesses(plans) as working:
        working.step(lambda results, shares: heard.append((sorted(results), list(shares))))
    assert heard[-1] == ([0, 500], [1.0, 1.0])


def test_rows_that_are_lost_on_the_way_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = WholeTables.finish

    def lose(tables: WholeTables, working: SliceProcesses) -> None:
        finish(tables, working)
        for part in tables._folder.path.glob("refused/*"):
            part.unlink()

    monkeypatch.setattr(WholeTables, "finish", lose)
    rows = {"asset_id": ["A", "B"], "price": [-1.0, 2.0], "timestamp_ns": [1, 2]}
    ticks = write_ticks(tmp_path / "ticks.parquet", pa.table(rows))
    with pytest.raises(ReplayError, match=r"'refused': 0} rows, .*'refused': 1}: .*run it again"):
        run_in_processes(plan(ticks, tmp_path / "run"), 2)
    assert not (tmp_path / "run").exists()


@given(st.binary(min_size=1, max_size=20), st.integers(1, 9))
def test_an_asset_falls_to_one_slice(key: bytes, count: int) -> None:
    assert slice_of(key, count) in range(count)


def test_what_is_only_in_memory_is_not_cut(tmp_path: Path) -> None:
    ticks = write_ticks(tmp_path / "ticks.parquet", random_table(10, 2, seed=1))
    whole = plan(ticks, tmp_path / "run")
    source = BatchSource("memory", [], Layout())
    memory = RunPlan(source, whole.config, "float64", whole.deciding, whole.out)
    with pytest.raises(Exception, match="memory can be read by one process only"):
        slice_plans(memory, 2)


def test_what_is_imported_before_the_fork_starts_nothing() -> None:
    # A thread of XLA's would be missing in the processes that are forked, and they would hang.
    asked = subprocess.run(
        [sys.executable, "-c", _IMPORTED], check=True, capture_output=True, text=True
    )
    assert asked.stdout.split() == ["False", "1"]
