"""The first sentence of a report is true of every kind of run."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core import PredictorConfig
from ops.report import write_report
from ops.report.lead import lead
from tests.ops.report.pages import check_page
from tests.workers.replay.tables import write_ticks
from workers.replay import EventTime, FileSource, Layout, RunPlan, run_backtest

_CONFIG = PredictorConfig(wtmm_buffer_size=32)


def ticks(count: int, **columns: Any) -> Any:
    price = 100.0 + np.cumsum(np.random.default_rng(1).normal(0.0, 0.1, count))
    stamps = 1_700_000_000_000_000_000 + 10_000_000 * np.arange(count)
    return pa.table({"asset_id": ["A"] * count, "price": price, "timestamp_ns": stamps} | columns)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (ticks(0), "There were no ticks."),
        (ticks(9, price=np.full(9, -1.0)), "No tick could be used: all 9 were refused."),
        (ticks(20), "No forecast could be judged: no asset had a price after it had warmed up."),
        (
            ticks(90, price=np.linspace(1e31, 2e31, 90)),
            "No forecast could be judged: all 90 ticks were rejected, as all beyond 1e30 are.",
        ),
        (ticks(90), "58 forecasts were judged: too few to tell what they are worth from chance."),
        (
            ticks(190, price=np.full(190, 5.0)),
            "The price moved after none of the 158 forecasts that were judged.",
        ),
        (
            ticks(190, target=pa.array([None] * 190, pa.float64())),
            "The forecasts were as far off as persistence's in every tick.",
        ),
    ],
)
def test_where_nothing_can_be_told_it_says_why(tmp_path: Path, table: Any, sentence: str) -> None:
    source = FileSource(write_ticks(tmp_path / "ticks.parquet", table), Layout())
    run_backtest(RunPlan(source, _CONFIG, "float64", EventTime(_CONFIG), tmp_path / "run"))
    found = write_report(tmp_path / "run")
    assert lead(found.run["counts"], found.summary) == sentence
    check_page(tmp_path / "run" / "report.html", charts=0)
    escaped = sentence.replace("'", "&#x27;")
    assert f">{escaped}<" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_a_name_breaks_neither_the_table_of_the_text_nor_the_page(tmp_path: Path) -> None:
    table = ticks(90, asset_id=["A|B\nC\x1b"] * 45 + ["<i>\u202etxt" + "\x1b" * 20] * 45)
    source = FileSource(write_ticks(tmp_path / "ticks.parquet", table), Layout())
    run_backtest(RunPlan(source, _CONFIG, "float64", EventTime(_CONFIG), tmp_path / "run"))
    write_report(tmp_path / "run")
    lines = (tmp_path / "run" / "report.md").read_text("utf-8").splitlines()
    assert any(line.startswith("| A\\|B C\\x1b | 13 | ") for line in lines)
    [largest] = [line for line in lines if line.startswith("| largest part of")]
    assert largest.endswith("%, A\\|B C\\x1b |")
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert all(one.isprintable() or one == "\n" for one in page)
    name = r"&lt;i&gt;\u202etxt" + r"\x1b" * 20
    assert f"<td>{name}</td>" in page
    assert f"<h2>{name}</h2>" in page


@pytest.mark.parametrize(
    ("skill", "low", "high", "sentence"),
    [
        (0.1, 0.05, 0.15, "save 10.00% of persistence's squared error; that is more than chance."),
        (0.1, -0.1, 0.3, "save 10.00% of persistence's squared error; that may be chance."),
        (-0.1, -0.3, 0.1, "add 10.00% of persistence's squared error; that may be chance."),
        (-0.1, -0.2, -0.05, "add 10.00% of persistence's squared error; that is more than chance."),
        (0.1, None, None, "save 10.00% of persistence's squared error, the same in every tick."),
    ],
)
def test_where_it_can_be_told_it_is(
    skill: float, low: float | None, high: float | None, sentence: str
) -> None:
    counts = {"records": 500, "results": 500, "refused": 0}
    summary = {"judged": 400, "skill": skill, "skill_low": low, "skill_high": high}
    assert lead(counts, summary) == f"The forecasts {sentence}"
