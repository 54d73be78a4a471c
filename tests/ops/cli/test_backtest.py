"""`tickfleet backtest` as a person uses it, without Kafka."""

import errno
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import compute, csv, parquet

from ops.cli import main
from tests.workers.replay.tables import bits, random_table, write_ticks
from workers.replay import FileSource, Layout, RecordColumns, backtest, export_ticks, read_run

_PAGE = Path(__file__).parents[3] / "docs" / "backtest.md"
_COUNT = 3_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with ticks in both kinds of file."""
    monkeypatch.chdir(tmp_path)
    table = random_table(_COUNT, 64, seed=41)
    write_ticks(tmp_path / "ticks.parquet", table)
    csv.write_csv(table, tmp_path / "ticks.csv")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_commands_of_the_page_run(folder: Path) -> None:
    block = re.findall(r"```\n(tickfleet backtest --file.*?)```", _PAGE.read_text("utf-8"), re.S)[0]
    *backtests, compare = [run(*line.split()[1:]) for line in block.strip().splitlines()]
    for result in backtests:
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"{_COUNT:,} results of 64 assets in ")
    assert compare.stdout.startswith("cusum_h: 5.0 against 8.0\n"), compare.output
    assert (folder / "runs" / "a" / "report.html").is_file()
    table = parquet.read_table(folder / "runs" / "a" / "results")
    assert bits(table) == bits(backtest(parquet.read_table(folder / "ticks.parquet")))
    assert read_run(folder / "runs" / "b")["config"]["cusum_h"] == 8.0
    for_scripts = json.loads(run("compare", "runs/a", "runs/b", "--json").stdout)
    assert for_scripts["settings"] == {"cusum_h": [5.0, 8.0]}
    # So few ticks of each asset judge nothing; JSON has no NaN to say so.
    assert (for_scripts["judged"], for_scripts["statistic"]) == (0, None)


def test_a_name_with_a_colon_is_no_uri(folder: Path) -> None:
    named, exported = Path("BTC:USD.parquet"), Path("file:2013-09-01T09:30.parquet")
    (folder / "ticks.parquet").rename(named)
    export_ticks(FileSource(named, Layout()), exported)
    assert RecordColumns.read(exported) is None
    found = run("backtest", "--file", str(exported), "--out", "runs:1")
    assert found.exit_code == 0, found.output
    assert f"{_COUNT:,} results of 64 assets" in found.stdout
    assert (folder / "runs:1" / "report.html").is_file()


@pytest.mark.usefixtures("folder")
def test_a_skill_of_few_forecasts_is_said_to_be() -> None:
    write_ticks(Path("few.parquet"), random_table(190, 1, seed=42))
    few, many = (
        run("backtest", "--file", "few.parquet", "--out", out, "--set", f"wtmm_buffer_size={size}")
        for out, size in (("few", "128"), ("many", "32"))
    )
    judged = read_judged("few")
    assert f", of only {judged} forecasts: few/report.html" in few.stdout
    assert read_judged("many") >= 100
    assert "only" not in many.stdout


def test_forecasts_that_are_no_numbers_are_warned_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKFLEET_DTYPE", "float32")
    table = random_table(190, 1, seed=42)
    huge = compute.multiply(table["price"], 1e26)
    write_ticks(folder / "huge.parquet", table.set_column(1, "price", huge))
    said = run("backtest", "--file", "huge.parquet", "--out", "huge")
    assert said.exit_code == 0, said.output
    count = 190 - 128
    hint = "forecast such prices in float64"
    for one in (said, run("report", "huge")):
        assert f"warning: {count} forecasts were no numbers, left out: {hint}\n" in one.stderr
    text = (folder / "huge" / "report.html").read_text("utf-8")
    assert f"No forecast could be judged: {count} were no numbers." in text


def read_judged(folder: str) -> int:
    report = json.loads((Path(folder) / "report.json").read_text("utf-8"))
    return int(report["summary"]["judged"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--file", "none.csv", "--out", "a"], "does not exist"),
        (["--file", "ticks.csv", "--out", "a", "--set", "cusum_h"], "write KEY=VALUE"),
        (["--file", "ticks.csv", "--out", "a", "--set", "cusum=3"], "cusum is unknown: did you"),
        (["--file", "ticks.csv", "--out", "a", "--column", "price=p"], "no column p; it has asset"),
        (
            ["--file", "ticks.csv", "--out", "a", "--run-id", "r"],
            "need --to-topic",
        ),
        (["--file", "ticks.csv", "--out", "a", "--mid"], "no column bid, ask; it has asset"),
        (["--file", "ticks.csv", "--out", "."], "is there already: choose another --out"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_wrong_is_said_and_exit_code_is_2(arguments: list[str], message: str) -> None:
    result = run("backtest", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_run_goes_on_from_another(folder: Path) -> None:
    table = parquet.read_table("ticks.parquet").sort_by("timestamp_ns")
    write_ticks(folder / "early.parquet", table.slice(0, _COUNT // 2))
    write_ticks(folder / "later.parquet", table.slice(_COUNT // 2))
    assert run("backtest", "--file", "early.parquet", "--out", "runs/a").exit_code == 0
    resumed = run(
        *("backtest", "--file", "later.parquet", "--from-snapshot", "runs/a", "--out", "runs/g")
    )
    assert resumed.exit_code == 0, resumed.output
    assert run("backtest", "--file", "ticks.parquet", "--out", "runs/b").exit_code == 0
    whole, later = (
        parquet.read_table(folder / "runs" / one / "results", columns=["sequence", "timestamp_ns"])
        for one in ("b", "g")
    )
    assert later.num_rows == _COUNT - _COUNT // 2
    known = set(zip(*(whole[name].to_pylist() for name in whole.column_names), strict=True))
    found = set(zip(*(later[name].to_pylist() for name in later.column_names), strict=True))
    assert found <= known, "an asset's count of ticks goes on"


def test_a_report_without_room_is_made_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder = folder / "runs" / "a run"

    def full(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        told = run("backtest", "--file", "ticks.parquet", "--out", "runs/a run")
    assert told.exit_code == 1
    assert told.stdout.startswith(f"{_COUNT:,} results of 64 assets in ")
    assert "report.html cannot be written (No space left on device); the run itself is whole" in (
        told.stderr
    )
    assert told.stderr.endswith("make its report: tickfleet report 'runs/a run'\n")
    (run_folder / "report.md.unfinished").symlink_to("/dev/full")
    assert "report.md cannot be written (No space" in run("report", "runs/a run").stderr
    assert run("report", "runs/a run").exit_code == 0
    assert {path.suffix for path in run_folder.glob("report.*")} == {".html", ".md", ".json"}


def test_a_run_that_steps_nothing_has_no_speed(folder: Path) -> None:
    (folder / "empty.csv").write_text("asset_id,price,timestamp_ns\nA,-1,1\n", "utf-8")
    told = run("backtest", "--file", "empty.csv", "--out", "runs/empty")
    assert " s, 0 flag events, 1 refused" in told.stdout, told.output


def test_who_was_killed_at_the_report_goes_on_with_it(folder: Path) -> None:
    line = ["backtest", "--file", "ticks.parquet", "--out", "runs/killed"]
    assert run(*line).exit_code == 0
    page = folder / "runs" / "killed" / "report.html"
    page.unlink()
    for _ in range(2):  # once more where nothing is left to be done: who restarts it need not ask
        again = run(*line, "--resume")
        assert again.exit_code == 0, again.output
        assert page.is_file()
    assert "is there already" in run(*line).stderr


_LAYOUTS = re.findall(
    r"```csv\n(.*?)```\n\n```\n(tickfleet backtest --file (\S+) .*?)\n```",
    _PAGE.read_text("utf-8"),
    re.DOTALL,
)


def test_the_page_shows_every_option_of_layouts() -> None:
    shown = {word for _, line, _ in _LAYOUTS for word in line.split() if word.startswith("--")}
    options = {"--column", "--asset", "--mid", "--bad-quotes", "--time-unit", "--time-zone"}
    assert shown == options | {"--file", "--out"}


@pytest.mark.parametrize(
    ("content", "line", "name", "expected"),
    [
        (*one, count)
        for one, count in zip(
            _LAYOUTS, ("3 results of 2", "2 results of 1", "2 results of 1"), strict=True
        )
    ],
)
def test_every_layout_of_the_page_is_read(
    folder: Path, content: str, line: str, name: str, expected: str
) -> None:
    (folder / name).write_text(content)
    result = run(*line.split()[1:])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{expected} assets")
    if "drop" in line:
        assert "warning: 2 quotes without mid were dropped" in result.stderr
