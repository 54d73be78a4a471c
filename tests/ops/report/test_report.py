"""A run's report says what the run's rows say; two runs are compared row by row."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet
from scipy import stats

from core import PredictorConfig
from ops.cli import main
from ops.report import compare_runs, write_report
from tests.ops.report.pages import check_page, drawn_by_browser
from tests.workers.replay.tables import random_table, write_ticks
from workers.replay import EventTime, FileSource, Layout, ReplayError, RunPlan, run_backtest
from workers.scoring import ErrorScale

_CONFIG = PredictorConfig(wtmm_buffer_size=32)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a few assets, its report written."""
    folder = tmp_path_factory.mktemp("report")
    table = random_table(70_000, 60, seed=61)
    source = FileSource(write_ticks(folder / "ticks.parquet", table), Layout())
    run_backtest(RunPlan(source, _CONFIG, "float64", EventTime(_CONFIG), folder / "run"))
    write_report(folder / "run")
    return folder / "run"


def rows(run: Path) -> pd.DataFrame:
    frame = parquet.read_table(run / "results").to_pandas()
    return frame[~frame["outlier_rejected"]]


def losses(frame: pd.DataFrame) -> tuple[float, float, int]:
    """The model's and persistence's, written out asset by asset."""
    model = base = 0.0
    judged = 0
    for _, one in frame.groupby("asset_id"):
        price, made = one["price"].to_numpy(), one["predicted_price"].to_numpy()
        warm = ~one["warming_up"].to_numpy()[:-1]
        model += ((price[1:] - made[:-1])[warm] ** 2).sum()
        base += ((price[1:] - price[:-1])[warm] ** 2).sum()
        judged += int(warm.sum())
    return model, base, judged


def test_the_numbers_are_those_of_the_rows(run: Path) -> None:
    report = json.loads((run / "report.json").read_text("utf-8"))
    model, base, judged = losses(rows(run))
    summary = report["summary"]
    assert summary["judged"] == judged
    assert summary["skill"] == pytest.approx(1.0 - model / base)
    assert summary["loss_ratio"]["persistence"] == pytest.approx(model / base)
    assert summary["skill_low"] < summary["skill"] < summary["skill_high"]
    assert summary["against"]["persistence"]["skill_low"] == summary["skill_low"]
    frame = rows(run)
    each = {name: losses(one) for name, one in frame.groupby("asset_id")}
    largest = max(each, key=lambda name: each[name][1])
    assert summary["largest_asset"] == largest
    assert summary["largest_share"] == pytest.approx(each[largest][1] / base)
    # All of them have moved, in more than a hundred forecasts.
    assert min(count for _, _, count in each.values()) > 100
    assert summary["skill_of_assets"] == pytest.approx(
        sum(count * (1.0 - made / still) for made, still, count in each.values()) / judged
    )
    for peer, figures in summary["against"].items():
        assert figures["skill"] == pytest.approx(1.0 - summary["loss_ratio"][peer])
        assert figures["skill_low"] < figures["skill"] < figures["skill_high"]
    low, high = (np.array(edge, float) for edge in report["over_time"]["skill_band"])
    assert np.nanmin(high - low) > 0.0
    assert summary["alarms"] == int(rows(run)["regime_change_detected"].sum())
    over_time = report["over_time"]
    assert sum(over_time["loss_model"]) == pytest.approx(model)
    assert sum(over_time["ticks"]) == len(rows(run))
    skills = [one["skill"] for one in report["assets"]]
    assert len(skills) == 60
    assert skills == sorted(skills)
    worst = rows(run)
    worst_model, worst_base, _ = losses(worst[worst["asset_id"] == report["assets"][0]["asset_id"]])
    assert skills[0] == pytest.approx(1.0 - worst_model / worst_base)


def test_the_page_is_whole_and_alone_and_knows_the_dark(run: Path) -> None:
    check_page(run / "report.html", charts=9)


@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_draws_every_plot(run: Path, tmp_path: Path, dark: bool) -> None:
    found = drawn_by_browser(run / "report.html", tmp_path, dark=dark)
    assert len(found["plots"]) >= 9
    for plot in found["plots"]:
        assert plot["width"] > 500, plot
        assert plot["height"] > 80, plot
        assert plot["marks"] > 0, plot
        assert plot["outside"] == 0, plot
    assert found["paper"] == ("rgb(26, 26, 25)" if dark else "rgb(252, 252, 251)")


def test_calibration_is_that_of_the_rows(run: Path) -> None:
    report = json.loads((run / "report.json").read_text("utf-8"))["calibration"]
    places: dict[str, list[float]] = {"recent errors": [], "published scale": []}
    for _, one in rows(run).groupby("asset_id"):
        errors = one["price"].to_numpy()[1:] - one["predicted_price"].to_numpy()[:-1]
        warm = ~one["warming_up"].to_numpy()[:-1]
        recent = ErrorScale().before_each(errors[warm])
        for name, scale in (
            ("recent errors", recent),
            ("published scale", one["scale"].to_numpy()[:-1][warm]),
        ):
            place = stats.norm.cdf(errors[warm] / scale)
            places[name] += place[np.isfinite(place)].tolist()
    for name, found in places.items():
        place = np.array(found)
        assert report[name]["judged"] == place.size
        density, _ = np.histogram(place, 20, (0.0, 1.0), density=True)
        assert report[name]["pit_density"] == pytest.approx(density, abs=1e-4)
        for level, share in report[name]["coverage"].items():
            assert share == pytest.approx(np.mean(np.abs(2 * place - 1) <= float(level)), abs=1e-4)


def test_latency_shedding_and_grace_are_shown(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "late")
    (part,) = (tmp_path / "late" / "results").glob("*.parquet")
    table = parquet.read_table(part)
    half = np.arange(table.num_rows) % 2
    late = table["timestamp_ns"].to_numpy() + np.where(half, 40_000_000, 3_000_000)
    for name, values in (
        ("processing_time_ns", late),
        ("kernel_mask", np.where(half, 15, 11).astype(np.int8)),
    ):
        table = table.set_column(table.column_names.index(name), name, [pa.array(values)])
    parquet.write_table(table, part)
    found = write_report(tmp_path / "late")
    service = found.timeline.service
    assert service.age_quantile_ms(0.4) == pytest.approx(np.full(120, 3.0), rel=0.13)
    assert service.age_quantile_ms(0.99) == pytest.approx(np.full(120, 40.0), rel=0.13)
    assert list(service.without()) == ["without C"]
    assert service.without()["without C"].mean() == pytest.approx(0.5, abs=0.02)
    text = (tmp_path / "late" / "report.html").read_text("utf-8")
    assert "Age of ticks when they were answered" in text
    assert "Share of ticks without a kernel" in text
    for name, detail in found.details.items():
        one = table.to_pandas().query(f"asset_id == '{name}'")
        at = np.flatnonzero(one["regime_change_detected"])
        stamps, grace = one["timestamp_ns"].to_numpy(), _CONFIG.grace_period_steps
        expected = [(float(stamps[i]), float(stamps[min(i + grace, len(stamps) - 1)])) for i in at]
        assert sorted(detail.graces_ns) == expected


def test_the_text_has_the_same_numbers(run: Path) -> None:
    summary = json.loads((run / "report.json").read_text("utf-8"))["summary"]
    text = (run / "report.md").read_text("utf-8")
    assert f"| skill against persistence | {summary['skill']:.5f} |" in text
    assert (
        f"| Diebold-Mariano (below -1.65: better at 5%) | {summary['diebold_mariano']:.2f}" in text
    )


def test_a_run_whose_rows_were_lost_has_no_report(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "lost")
    next((tmp_path / "lost" / "results").glob("*.parquet")).unlink()
    for arguments in (["report", "lost"], ["compare", "lost", "lost"]):
        paths = [str(tmp_path / one) for one in arguments[1:]]
        result = CliRunner().invoke(main, [arguments[0], *paths])
        assert result.exit_code == 2
        assert "has 0 rows of 70,000: parts of it are missing" in result.stderr


@pytest.fixture
def noisier(run: Path, tmp_path: Path) -> Path:
    """The same ticks, worse forecasts."""
    shutil.copytree(run, tmp_path / "noisier")
    for part in (tmp_path / "noisier" / "results").glob("*.parquet"):
        table = parquet.read_table(part)
        made = table["predicted_price"].to_numpy()
        noise = np.random.default_rng(1).normal(0.0, 5e-3, made.size)
        at = table.column_names.index("predicted_price")
        parquet.write_table(table.set_column(at, "predicted_price", [made + noise]), part)
    return tmp_path / "noisier"


def test_the_better_run_is_found(run: Path, noisier: Path) -> None:
    found = compare_runs(run, noisier)
    model, _, judged = losses(rows(run))
    assert found.judged == judged
    assert found.mean_loss[0] == pytest.approx(model / judged)
    assert found.statistic < -5
    assert compare_runs(noisier, run).statistic == pytest.approx(-found.statistic)
    assert found.settings == {}
    result = CliRunner().invoke(main, ["compare", str(run), str(noisier)])
    assert result.exit_code == 0
    assert f"{run} is better; Diebold-Mariano -" in result.stdout
    assert "significant at 5%, two-sided" in result.stdout
    same = CliRunner().invoke(main, ["compare", str(run), str(run)])
    assert same.stdout.endswith("no difference\n")


def test_forecasts_that_are_no_numbers_are_left_out_and_counted(
    run: Path, noisier: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "holed")
    holed = str(tmp_path / "holed")
    (part,) = (tmp_path / "holed" / "results").glob("*.parquet")
    frame = parquet.read_table(part).to_pandas()
    frame.loc[frame["asset_id"] == "asset-00007", "predicted_price"] = np.nan
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), part)
    whole = rows(run)
    _, _, left_out = losses(whole[whole["asset_id"] == "asset-00007"])
    kept = whole[whole["asset_id"] != "asset-00007"]
    model, _, judged = losses(kept)
    said = CliRunner().invoke(main, ["compare", holed, str(noisier)]).stdout
    assert f"{left_out:,} forecasts left out: in one run or both they are no numbers\n" in said
    assert f"\n{judged:,} forecasts; mean squared error " in said
    assert f"{holed} is better; Diebold-Mariano -" in said
    lines = CliRunner().invoke(main, ["compare", "--json", holed, str(noisier)]).stdout
    found = json.loads(lines, parse_constant=pytest.fail)
    assert (found["judged"], found["left_out"]) == (judged, left_out)
    assert found["mean_loss"][0] == pytest.approx(model / judged)
    summary = write_report(tmp_path / "holed").summary
    assert (summary["judged"], summary["left_out"]) == (judged, left_out)
    json.loads((tmp_path / "holed" / "report.json").read_text("utf-8"), parse_constant=pytest.fail)
    text = (tmp_path / "holed" / "report.md").read_text("utf-8")
    assert f"| forecasts left out, no numbers | {left_out:,} |" in text


def test_an_asset_in_two_partitions_has_two_histories(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "moved")
    for part in (tmp_path / "moved" / "results").glob("*.parquet"):
        frame = parquet.read_table(part).to_pandas()
        at = np.arange(len(frame))
        other = (frame["asset_id"] == "asset-00007") & (at % 3 == 0) & (at > 1_000)
        frame["source_partition"] = frame["source_partition"].where(~other, 5)
        parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), part)
    steps: list[tuple[int, float]] = []
    found = write_report(tmp_path / "moved", lambda *step: steps.append(step))
    frame = rows(tmp_path / "moved")
    each = {place: losses(one) for place, one in frame.groupby(["source_partition", "asset_id"])}
    assert len(found.assets) == len(each) == 61
    assert found.summary["judged"] == sum(count for _, _, count in each.values())
    home, moved = (
        next(one for one in found.assets if one["asset_id"] == name)
        for name in ("asset-00007", "asset-00007 in partition 5")
    )
    for one, partition in ((home, 0), (moved, 5)):
        model, base, judged = each[partition, "asset-00007"]
        assert (one["judged"], one["skill"]) == (judged, pytest.approx(1.0 - model / base))
    assert compare_runs(tmp_path / "moved", tmp_path / "moved").assets == 61
    assert steps[-1] == (len(parquet.read_table(run / "results")), 1.0)


def test_assets_without_a_judged_forecast_are_not_counted(tmp_path: Path) -> None:
    long, short = random_table(1_000, 1, seed=3), random_table(5, 1, seed=4)
    new = short.set_column(short.column_names.index("asset_id"), "asset_id", [["new"] * 5])
    ticks = write_ticks(tmp_path / "ticks.parquet", pa.concat_tables([long, new]))
    source, out = FileSource(ticks, Layout(unsorted=True)), tmp_path / "double"
    double = RunPlan(source, _CONFIG, "float64", EventTime(_CONFIG), out)
    single = replace(double, out=tmp_path / "single", dtype="float32")
    for one in (double, single):
        run_backtest(one)
    found = compare_runs(double.out, single.out)
    assert (found.judged_assets, found.assets) == (1, 2)
    assert found.better_assets + found.worse_assets == 1
    assert found.settings == {"dtype": ("float64", "float32")}
    told = CliRunner().invoke(main, ["compare", str(double.out), str(single.out)]).stdout
    assert ", of 1 with a judged forecast" in told
    assert write_report(double.out).summary["assets_judged"] == 1
    text = (double.out / "report.md").read_text("utf-8")
    assert re.search(r"\| assets better than persistence \| [01] of 1 \|", text)


def _with_one_dear_asset(run: Path, to: Path, *, dear_is_noisy: bool) -> Path:
    """A copy in which one asset costs 10,000 times as much, and it or all others forecast worse."""
    shutil.copytree(run, to)
    rng = np.random.default_rng(3)
    for part in (to / "results").glob("*.parquet"):
        frame = parquet.read_table(part).to_pandas()
        dear = (frame["asset_id"] == "asset-00000").to_numpy()
        frame["predicted_price"] += rng.normal(0.0, 5e-3, len(frame)) * (dear == dear_is_noisy)
        for column in ("price", "predicted_price"):
            frame[column] = frame[column].where(~dear, frame[column] * 1e4)
        parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), part)
    return to


def test_a_dear_asset_does_not_decide_which_run_is_better(run: Path, tmp_path: Path) -> None:
    first = _with_one_dear_asset(run, tmp_path / "first", dear_is_noisy=True)
    second = _with_one_dear_asset(run, tmp_path / "second", dear_is_noisy=False)
    found = compare_runs(first, second)
    assert (found.better_assets, found.worse_assets, found.judged_assets) == (59, 1, 60)
    # In units of the price it is the other way round.
    assert found.mean_loss[0] > 2.0 * found.mean_loss[1]
    assert found.statistic < -5.0
    assert found.skill[0] > found.skill[1]
    each = [losses(one) for _, one in rows(first).groupby("asset_id")]
    expected = sum(count * (1.0 - made / still) for made, still, count in each)
    assert found.skill[0] == pytest.approx(expected / found.judged)


def test_too_few_forecasts_are_not_told_from_chance(tmp_path: Path) -> None:
    price = 100.0 + np.cumsum(np.random.default_rng(1).normal(0.0, 0.1, 150))
    stamps = 1_700_000_000_000_000_000 + 10_000_000 * np.arange(150)
    table = pa.table({"asset_id": ["A"] * 150, "price": price, "timestamp_ns": stamps})
    path = write_ticks(tmp_path / "ticks.parquet", table)
    for name, config in (("a", _CONFIG), ("b", PredictorConfig(wtmm_buffer_size=64))):
        source = FileSource(path, Layout())
        run_backtest(RunPlan(source, config, "float64", EventTime(config), tmp_path / name))
    summary = write_report(tmp_path / "b").summary
    assert 20 < summary["judged"] < 100
    assert summary["skill"] is not None
    assert summary["skill_low"] is summary["skill_high"] is summary["diebold_mariano"] is None
    page = (tmp_path / "b" / "report.html").read_text("utf-8")
    assert f"{summary['judged']} forecasts were judged: too few to tell what they are" in page
    check_page(tmp_path / "b" / "report.html", charts=9)
    text = (tmp_path / "b" / "report.md").read_text("utf-8")
    assert "| 95% interval | – |\n| Diebold-Mariano | – |" in text
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    said = CliRunner().invoke(main, ["compare", *folders])
    assert said.stdout.endswith("fewer than 100 forecasts: too few to tell that from chance\n")
    found = json.loads(CliRunner().invoke(main, ["compare", "--json", *folders]).stdout)
    assert found["judged"] == summary["judged"]
    assert found["statistic"] is found["chance"] is None


def test_runs_over_other_ticks_are_not_compared(run: Path, noisier: Path) -> None:
    (part,) = (noisier / "results").glob("*.parquet")
    table = parquet.read_table(part)
    parquet.write_table(table.slice(0, 1_000), part)
    found = json.loads((noisier / "run.json").read_text("utf-8"))
    found["counts"]["results"] = 1_000
    (noisier / "run.json").write_text(json.dumps(found), "utf-8")
    with pytest.raises(ReplayError, match=r"agree in 1,000 rows, then one ends"):
        compare_runs(run, noisier)
    parquet.write_table(table.slice(1), part)
    with pytest.raises(ReplayError, match=r"row 1: source_offset differs"):
        compare_runs(run, noisier)
    for name, other in (("asset_id", "ZZZ"), ("price", 5_000.0)):
        values = table[name].to_pylist()
        values[2] = other
        at = table.column_names.index(name)
        parquet.write_table(table.set_column(at, name, [pa.array(values)]), part)
        with pytest.raises(ReplayError, match=rf"row 3: {name} differs"):
            compare_runs(run, noisier)
    result = CliRunner().invoke(main, ["compare", str(run), str(run.parent)])
    assert result.exit_code == 2
    assert "holds no finished run" in result.stderr
