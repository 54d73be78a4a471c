"""A name that no file or folder can have is told, and leaves nothing."""

import os
from pathlib import Path

import pytest

from tests.workers.replay.tables import plan, random_table, write_ticks
from tests.workers.tuning.test_search import _PLAN
from workers.replay import FileSource, Layout, ReplayError, begun, export_ticks, run_backtest
from workers.tuning import tune

_NAMES = ("x" * 300, "x" * 250, os.fsdecode(b"x\xff"))


@pytest.mark.parametrize("name", _NAMES)
def test_a_name_that_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ticks = write_ticks(Path("ticks.parquet"), random_table(60, 2, seed=8))
    source = FileSource(ticks, Layout())
    with pytest.raises(ReplayError, match=r"x.* cannot be used \(.*\): choose another name"):
        run_backtest(plan(ticks, Path(name)))
    with pytest.raises(ReplayError, match="cannot be used"):
        begun(Path(name))
    with pytest.raises(ReplayError, match="cannot be used"):
        export_ticks(source, Path(f"{name}.parquet"))
    if name != "x" * 250:
        with pytest.raises(ReplayError, match="cannot be used"):
            FileSource(Path(f"{name}.parquet"), Layout())
        with pytest.raises(ReplayError, match="cannot be used"):
            tune(ticks, out=name, **_PLAN)
    assert list(Path().iterdir()) == [ticks]


def test_the_root_is_there_already(tmp_path: Path) -> None:
    ticks = write_ticks(tmp_path / "ticks.parquet", random_table(60, 2, seed=8))
    for resume in (False, True):
        with pytest.raises(ReplayError, match="/ is there already"):
            run_backtest(plan(ticks, Path("/")), resume=resume)
