"""Tables merged while slices grow: the rows of one process, and files that no race decides."""

import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Event, current_thread
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.workers.replay.sliced.test_merge_tables import rows
from tests.workers.replay.tables import bits, plan, random_table, table, write_ticks
from workers.replay import run_backtest, run_in_processes
from workers.replay.output.folder import RunFolder
from workers.replay.output.parts import ArrowParts
from workers.replay.output.run_tables import PLACE, SCHEMAS
from workers.replay.sliced.merge_tables import merge_tables
from workers.replay.sliced.processes import SliceProcesses
from workers.replay.sliced.slice_tables import PlaceRange, Slice
from workers.replay.sliced.whole_tables import WholeTables

_SCHEMA = SCHEMAS["results"].append(pa.field(PLACE, pa.int64()))
_PARTS, _ROWS = (3, 9, 9), 400
"""Parts of each slice, with so many rows on average."""

_KILLED = """
import json, os, signal, sys
from pathlib import Path
from ops.compile_cache import keep_executables
from tests.workers.replay.tables import plan
from workers.replay import run_in_processes
if __name__ == "__main__":
    keep_executables()
    ticks, out = map(Path, sys.argv[1:])
    def die(_results, _share):
        if "merged" in json.loads((out.parent / "run.partial" / "checkpoint.json").read_text()):
            os.kill(os.getpid(), signal.SIGKILL)
    run_in_processes(plan(ticks, out, checkpoint_ticks=20_000), 2, progress=die)
"""


class Slices:
    """Slices of a run whose rows come part by part, as if they were stepped."""

    def __init__(self, folder: Path, seed: int, places: int = 2_000) -> None:
        rng = np.random.default_rng(seed)
        self.all = [
            Slice(folder / str(number), folder / f"{number}.run") for number in range(len(_PARTS))
        ]
        self._writers = [ArrowParts(one.tables / "results", _SCHEMA) for one in self.all]
        self._places = [np.sort(rng.integers(0, places, parts * _ROWS)) for parts in _PARTS]
        self._left = [np.split(np.arange(parts * _ROWS), _cuts(rng, parts)) for parts in _PARTS]

    def grow(self) -> Iterator[None]:
        """One part more each time, of one slice after the other."""
        while any(self._left):
            for number, (writer, place) in enumerate(zip(self._writers, self._places, strict=True)):
                if not (left := self._left[number]):
                    continue
                for offset in np.array_split(left.pop(0), 20):
                    writer.write(rows(place[offset], np.full(offset.size, number), offset))
                writer.close_part()
                if not left:
                    self.all[number].run.mkdir()
                yield

    @property
    def keys(self) -> list[tuple[int, int]]:
        """Partition and offset of all rows, in the order of the whole."""
        keys = [
            (place, number, offset)
            for number, places in enumerate(self._places)
            for offset, place in enumerate(places.tolist())
        ]
        return [key[1:] for key in sorted(keys)]

    @property
    def parts(self) -> int:
        """That lie on the disk now."""
        return sum(1 for one in self.all for _ in one.tables.glob("results/*"))


def grown(folder: Path, seed: int, places: int = 2_000) -> Slices:
    """Slices that have all their parts."""
    slices = Slices(folder, seed, places)
    for _ in slices.grow():
        pass
    return slices


def _cuts(rng: np.random.Generator, parts: int) -> Any:
    return _ROWS * np.arange(1, parts) + rng.integers(-_ROWS // 3, _ROWS // 3, parts - 1)


@pytest.fixture(scope="module")
def working(ticks: Path, whole: Path) -> Iterator[SliceProcesses]:
    """Processes that have stepped what they had to."""
    with SliceProcesses([plan(ticks, whole)] * 2) as working:
        working.step(lambda _results, _shares: None)
        yield working


def advance(tables: WholeTables) -> None:
    """Merge the next round, if there is one."""
    tables.advance()
    tables._merging.wait()


def result_keys(run: Path) -> list[tuple[int, int]]:
    found = table(run)
    keys = [found[name].to_pylist() for name in ("source_partition", "source_offset")]
    return list(zip(*keys, strict=True))


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "results").iterdir())]


@pytest.mark.parametrize(("seed", "places"), [(0, 2_000), (1, 2_000), (2, 5)])
def test_whoever_merges_when_the_files_are_the_same(
    tmp_path: Path, working: SliceProcesses, seed: int, places: int
) -> None:
    slices, kept = Slices(tmp_path / "rows", seed, places), []
    with RunFolder(tmp_path / "run", {"published": None}, resume=False) as folder:
        with WholeTables(slices.all, folder) as tables:
            for _ in slices.grow():
                advance(tables)
                kept.append(slices.parts)
            tables.finish(working)
        early = files(folder.path)
    if places > sum(_PARTS):
        assert max(kept) <= 9, "what was merged is removed"
        assert len(early) > max(_PARTS), "each round can be merged by several"
    assert result_keys(folder.path) == slices.keys
    assert PLACE not in table(folder.path).column_names

    late = grown(tmp_path / "late" / "rows", seed, places)
    with RunFolder(tmp_path / "late" / "run", {"published": None}, resume=False) as folder:
        with WholeTables(late.all, folder) as tables:
            tables.finish(working)
        assert files(folder.path) == early


def test_who_goes_on_begins_with_the_round_that_was_not_whole(
    tmp_path: Path, working: SliceProcesses
) -> None:
    slices = Slices(tmp_path / "rows", seed=4)
    growing = slices.grow()
    with RunFolder(tmp_path / "run", {"published": None}, resume=False) as folder:
        with WholeTables(slices.all, folder) as tables:
            for _ in range(12):
                next(growing)
                advance(tables)
        (folder.path / "results" / "part-00077.parquet").touch()
        first = folder.path / "results" / "part-00000.parquet"
        whole = first.stat().st_mtime_ns
        with WholeTables(slices.all, folder) as tables:
            for _ in growing:
                advance(tables)
            tables.finish(working)
        assert first.stat().st_mtime_ns == whole
    assert result_keys(folder.path) == slices.keys


def test_what_is_left_of_a_round_at_the_end_is_merged_by_all(
    tmp_path: Path, working: SliceProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = grown(tmp_path / "rows", seed=7)
    begun, going_on, by_all = Event(), Event(), list[PlaceRange]()

    def merge_slowly(*arguments: Any, **named: Any) -> None:
        begun.set()
        assert going_on.wait(20.0)
        merge_tables(*arguments, **named)

    def merge_rest(folders: Any, jobs: Any) -> None:
        by_all.extend(places for _, places in jobs)
        going_on.set()
        SliceProcesses.merge(working, folders, jobs)

    monkeypatch.setattr("workers.replay.sliced.whole_tables.merge_tables", merge_slowly)
    monkeypatch.setattr(working, "merge", merge_rest)
    with RunFolder(tmp_path / "run", {"published": None}, resume=False) as folder:
        with WholeTables(slices.all, folder) as tables:
            tables.advance()
            assert begun.wait(20.0)
            tables.finish(working)
        assert folder.checkpoint is None, "the round was never whole"
        assert result_keys(folder.path) == slices.keys
    assert by_all[0].first > PlaceRange().first, "the piece under way is not made twice"


def test_pieces_left_at_the_end_follow_those_merged_on_the_way(
    tmp_path: Path, working: SliceProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = grown(tmp_path / "rows", seed=7)
    main, going_on, taken = current_thread(), Event(), Event()

    class Interrupted(deque[PlaceRange]):
        """Lets the merging thread take its next piece just after the other one has taken one."""

        def pop(self) -> PlaceRange:  # type: ignore[override]
            return self._let(super().pop())

        def popleft(self) -> PlaceRange:
            return self._let(super().popleft())

        def _let(self, piece: PlaceRange) -> PlaceRange:
            if current_thread() is main:
                going_on.set()
                taken.wait(5.0)
            elif going_on.is_set():
                taken.set()
            return piece

    def merge_slowly(*arguments: Any, **named: Any) -> None:
        assert going_on.wait(20.0)
        merge_tables(*arguments, **named)

    monkeypatch.setattr("workers.replay.sliced.whole_tables.merge_tables", merge_slowly)
    with RunFolder(tmp_path / "run", {"published": None}, resume=False) as folder:
        with WholeTables(slices.all, folder) as tables:
            tables._coming = Interrupted()
            tables.advance()
            while len(tables._coming) > len(slices.all) - 1:
                time.sleep(0.01)
            tables.finish(working)
        assert result_keys(folder.path) == slices.keys


def test_a_round_that_cannot_be_written_is_told_by_the_next(tmp_path: Path) -> None:
    slices = grown(tmp_path / "rows", seed=5)
    with (
        RunFolder(tmp_path / "run", {"published": None}, resume=False) as folder,
        WholeTables(slices.all, folder) as tables,
        pytest.raises(FileExistsError),
    ):
        (folder.path / "results").touch()
        advance(tables)


def test_who_ends_amid_a_round_leaves_no_half_of_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay.sliced.merge_tables._HELD_ROWS", 90)
    slices = grown(tmp_path / "rows", seed=6)
    with RunFolder(tmp_path / "run", {"published": None}, resume=False) as folder:
        with WholeTables(slices.all, folder) as tables:
            write = tables._writers["results"].write

            def write_and_end(batch: Any) -> None:
                write(batch)
                tables._ended = True

            monkeypatch.setattr(tables._writers["results"], "write", write_and_end)
            advance(tables)
        assert (folder.path / "results").is_dir(), "something was written"
        assert not files(folder.path)
        assert folder.checkpoint is None


@pytest.mark.timeout(600)
def test_a_run_killed_behind_a_round_gives_the_files_of_one_that_was_not(tmp_path: Path) -> None:
    ticks = write_ticks(tmp_path / "ticks.parquet", random_table(330_000, 128, seed=32))
    out = tmp_path / "run"
    killed = subprocess.run([sys.executable, "-c", _KILLED, ticks, out], check=False)
    assert killed.returncode == -signal.SIGKILL
    merged = tmp_path / "run.partial" / "results" / "part-00000.parquet"
    whole = merged.stat().st_ino
    run_in_processes(plan(ticks, out, checkpoint_ticks=20_000), 2, resume=True)
    assert (out / "results" / merged.name).stat().st_ino == whole
    undisturbed = plan(ticks, tmp_path / "undisturbed", checkpoint_ticks=20_000)
    run_in_processes(undisturbed, 2)
    assert files(out) == files(undisturbed.out)
    one = plan(ticks, tmp_path / "one")
    run_backtest(one)
    for name in ("results", "flags"):
        assert bits(table(out, name)) == bits(table(one.out, name))
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in one.out.iterdir()
    )
