"""`tickfleet tune` as a person uses it."""

import fcntl
import json
import re
import tomllib
from pathlib import Path

import pyarrow.compute as pc
import pytest
from click.testing import CliRunner, Result

from core import PredictorConfig
from ops.cli import main
from tests.ops.report.pages import check_page, drawn_by_browser
from tests.workers.replay.tables import random_table, write_ticks
from tests.workers.tuning.test_study import no_larger_than
from workers.replay import read_run
from workers.tuning import SearchSpace

_PAGE = (Path(__file__).parents[3] / "docs" / "tuning.md").read_text("utf-8")
_SMALL = ["--trials", "3", "--folds", "2", "--held-out", "1", "--warm-up", "50", "--embargo", "5"]
_FULL = "there is no room left on the disk: make some, then go on with --resume"
_SPACE = '[wtmm_buffer_size]\ntype = "categorical"\nchoices = [64, 128]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    write_ticks(tmp_path / "ticks.parquet", random_table(600, 2, seed=73))
    (tmp_path / "space.toml").write_text(_SPACE, "utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_commands_of_the_page_run(folder: Path) -> None:
    block = re.findall(r"```\n(tickfleet tune.*?)```", _PAGE, re.DOTALL)[0]
    tune, backtest = (line.split()[1:] for line in block.strip().splitlines())
    found = run(*tune, *_SMALL)
    assert found.exit_code == 0, found.output
    assert "round 1: skill where chosen " in found.stdout
    assert "round 1 of 1, 1 trials, best skill" in found.stderr
    evidence = json.loads((folder / "tuned" / "evidence.json").read_text("utf-8"))
    assert f"verdict: {evidence['verdict']['meaning']}" in found.stdout
    used = run(*backtest)
    assert used.exit_code == 0, used.output
    assert read_run(folder / "runs" / "tuned")["config"] == evidence["config"]
    (folder / "tuned" / "report.md.unfinished").symlink_to("/dev/full")
    unwritten = run(*tune, *_SMALL, "--resume")
    assert (unwritten.exit_code, unwritten.stderr.splitlines()[-1]) == (1, f"error: tuned: {_FULL}")
    check_page(folder / "tuned" / "report.html", charts=2)
    plots = drawn_by_browser(folder / "tuned" / "report.html", folder, dark=True)["plots"]
    assert [plot["marks"] > 0 and plot["outside"] == 0 for plot in plots] == [True, True]
    text = (folder / "tuned" / "report.md").read_text("utf-8")
    for fold in evidence["rounds"][0]["folds"]:
        assert f"| {fold['judged']:,} | {fold['chosen']:.5f} | {fold['baseline']:.5f} |" in text
    again = run(*tune, *_SMALL)
    assert again.exit_code == 2
    assert "holds this search already: go on with --resume" in again.stderr


@pytest.mark.parametrize(
    ("space", "arguments", "message"),
    [
        ("[cusum]\n", [], "cusum is no setting of the predictor: did you mean cusum_"),
        ("cusum_h = [", [], "space.toml is no valid TOML"),
        (_SPACE, ["--folds", "2"], "2 held-out folds of 2: at least one must judge"),
        (_SPACE, ["--set", "wtmm_buffer=3"], "unknown: did you mean wtmm_buffer_size?"),
        (_SPACE, ["--column", "price=p"], "no column p; it has asset"),
        (_SPACE, ["--objective", "profit"], "'profit' is not one of"),
    ],
)
def test_what_is_wrong_is_said_and_exit_code_is_2(
    folder: Path, space: str, arguments: list[str], message: str
) -> None:
    (folder / "space.toml").write_text(space, "utf-8")
    result = run("tune", "--file", "ticks.parquet", "--space", "space.toml", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (folder / "tuned").exists()


def test_times_in_another_unit_are_warned_of(folder: Path) -> None:
    table = random_table(600, 2, seed=73)
    in_us = pc.divide(table["timestamp_ns"], 1_000)
    write_ticks(folder / "ticks.parquet", table.set_column(2, "timestamp_ns", [in_us]))
    told = run("tune", "--file", "ticks.parquet", "--space", "space.toml", *_SMALL)
    assert told.exit_code == 0, told.output
    assert "warning: the first tick is of 1970-01-20 " in told.stderr


def test_a_full_disk_is_one_line_and_exit_code_1(folder: Path) -> None:
    with no_larger_than(5):
        told = run("tune", "--file", "ticks.parquet", "--space", "space.toml", *_SMALL)
    assert told.exit_code == 1
    assert told.stderr.endswith(f"error: tuned: {_FULL}\n")


def test_a_folder_in_use_is_one_line_and_exit_code_1(folder: Path) -> None:
    (folder / "tuned").mkdir()
    with (folder / "tuned" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = run("tune", "--file", "ticks.parquet", "--space", "space.toml", *_SMALL)
    assert told.exit_code == 1
    assert told.stderr.endswith("error: another search works in tuned: wait for it\n")


def test_the_space_of_the_page_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
    space = SearchSpace.parse(tomllib.loads(text), PredictorConfig())
    assert [one.name for one in space.dimensions] == [
        "cusum_h",
        "volatility_alpha",
        "log_sig_depth",
        "kernel_d",
    ]


def test_the_example_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)
    small = example.replace("[32, 64, 128]", "[64, 128]").replace(
        "trials=10", "trials=2, warm_up=50, embargo=5"
    )
    exec(compile(small, "tuning.md", "exec"), {})
    assert "PredictorConfig(schema_version=" in capsys.readouterr().out
    assert (folder / "tuned" / "tuned.toml").is_file()
