"""A file of ticks and a run over it that nothing disturbed, for all who compare with it."""

from pathlib import Path

import pytest

from tests.workers.replay.tables import COUNT, plan, random_table, write_ticks
from workers.replay import run_backtest


@pytest.fixture(scope="session")
def ticks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two batches."""
    path = tmp_path_factory.mktemp("ticks") / "ticks.parquet"
    return write_ticks(path, random_table(COUNT, 128, seed=31))


@pytest.fixture(scope="session")
def whole(ticks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    run_backtest(plan(ticks, out))
    return out
