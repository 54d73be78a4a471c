"""A report warns where what it shows says little."""

from pathlib import Path

import numpy as np
import pytest

from core import PredictorConfig
from ops.report import write_report
from tests.ops.report.test_lead import ticks
from tests.workers.replay.tables import write_ticks
from workers.replay import EventTime, FileSource, Layout, RunPlan, run_backtest

_CONFIG = PredictorConfig(wtmm_buffer_size=32)
_BEGIN_NS, _SECOND_NS = 1_700_000_000 * 10**9, 10**9
_2100_NS = 4_102_444_800 * 10**9


@pytest.mark.parametrize(
    ("stray_ns", "at", "span"),
    [
        (_2100_NS, -1, "between the first (2023-11-14 22:13:20) and the last (2100-01-01 00:00:0"),
        (0, 0, "between the first (1970-01-01 00:00:00) and the last (2023-11-14 22:16:29), so"),
    ],
)
def test_a_tick_far_from_all_others_is_warned_of(
    tmp_path: Path, stray_ns: int, at: int, span: str
) -> None:
    stamps = _BEGIN_NS + _SECOND_NS * np.arange(190)
    stamps[at] = stray_ns
    warnings = _warnings(tmp_path, stamps)
    assert f"99.47% of the ticks lie in 1 of the 120 stretches of time {span}" in warnings[-1]
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert f"Warning: {warnings[-1]}" in page


@pytest.mark.parametrize("step_ns", [0, _SECOND_NS])
def test_even_times_are_not(tmp_path: Path, step_ns: int) -> None:
    assert not _warnings(tmp_path, _BEGIN_NS + step_ns * np.arange(190))


def _warnings(folder: Path, stamps: np.ndarray) -> list[str]:
    path = write_ticks(folder / "ticks.parquet", ticks(190, timestamp_ns=stamps))
    source = FileSource(path, Layout())
    run_backtest(RunPlan(source, _CONFIG, "float64", EventTime(_CONFIG), folder / "run"))
    return write_report(folder / "run").warnings
